/** The activity log: what happened, in plain sentences, newest first. */

import { onKey, tell } from "../../lib/commands.js";
import { h, icon, say, set, setIcon } from "../../lib/dom.js";
import { timeOfDay } from "../../lib/format.js";
import { Feed } from "./feed.js";

const KEPT = 2000;
const SHOWN = 300;
const LEVEL_WORDS = { good: "good", info: "note", warning: "warning", error: "error" };
const STATES = { live: ["good", "live"], polling: ["info", "live, by polling"], broken: ["warning", "not live"] };

/** @param {HTMLElement} root */
export function mountLog(root) {
  new Log(root);
}

class Log {
  constructor(root) {
    /** @type {any[]} every event that is kept, oldest first */
    this.events = [];
    this.paused = false;
    this.unseen = 0;
    this.build(root);
    const feed = new Feed(
      (events) => this.take(events),
      (how) => this.showState(how),
    );
    feed.open();
    onKey("l", () => this.pause(), "Pause the activity log, or go on");
  }

  build(root) {
    this.stateShape = h("span");
    this.stateText = h("span", {}, "connecting");
    this.level = h(
      "select",
      { "aria-label": "Lines to show", onchange: () => this.draw() },
      h("option", { value: "all" }, "All lines"),
      h("option", { value: "warning" }, "Warnings and errors"),
      h("option", { value: "error" }, "Errors"),
    );
    this.search = h("input", { type: "search", placeholder: "Filter", "aria-label": "Filter by text", oninput: () => this.draw() });
    this.pauseShape = h("span");
    this.pauseText = h("span", {}, "Pause");
    this.pauseButton = h("button", { type: "button", class: "button", "aria-pressed": "false", onclick: () => this.pause() }, this.pauseShape, this.pauseText);
    setIcon(this.pauseShape, "pause");
    const copy = h("button", { type: "button", class: "button", onclick: () => this.copy() }, icon("copy"), "Copy");
    this.list = h("ol");
    const lines = h("div", { class: "log-lines", role: "log", "aria-label": "Activity, newest first", tabindex: "0" }, this.list);
    root.append(
      h(
        "div",
        { class: "panel-head" },
        root.querySelector("h2"),
        h("span", { class: "log-state soft" }, this.stateShape, this.stateText),
        h("div", { class: "log-tools" }, this.level, this.search, this.pauseButton, copy),
      ),
      lines,
    );
  }

  showState(how) {
    const [level, text] = STATES[how];
    say(this.stateText, text);
    setIcon(this.stateShape, level);
    set(this.stateShape, "class", level);
  }

  take(events) {
    this.events.push(...events);
    if (this.events.length > KEPT) this.events.splice(0, this.events.length - KEPT);
    if (this.paused) {
      this.unseen += events.length;
      this.showPause();
      return;
    }
    const fresh = events.filter((event) => this.isShown(event)).slice(-SHOWN);
    this.list.prepend(...fresh.reverse().map(line));
    while (this.list.children.length > SHOWN) this.list.lastChild.remove();
  }

  isShown(event) {
    const wanted = this.level.value;
    const text = this.search.value.trim().toLowerCase();
    const matches = wanted === "all" || event.level === "error" || (wanted === "warning" && event.level === "warning");
    return matches && (!text || event.text.toLowerCase().includes(text));
  }

  shown() {
    return this.events.filter((event) => this.isShown(event));
  }

  draw() {
    this.list.replaceChildren(...this.shown().slice(-SHOWN).reverse().map(line));
  }

  pause() {
    this.paused = !this.paused;
    this.unseen = 0;
    this.showPause();
    if (!this.paused) this.draw();
  }

  showPause() {
    set(this.pauseButton, "aria-pressed", String(this.paused));
    setIcon(this.pauseShape, this.paused ? "play" : "pause");
    say(this.pauseText, this.paused ? `Go on (${this.unseen} new)` : "Pause");
  }

  async copy() {
    const lines = this.shown().map((event) => `${timeOfDay(event.time)} ${LEVEL_WORDS[event.level]}: ${event.text}`);
    const done = await copyText(lines.join("\n"));
    if (done) tell("good", `${lines.length} lines copied`);
    else tell("warning", "This browser does not let the page copy.");
  }
}

function line(event) {
  return h(
    "li",
    { class: "line", "data-level": event.level, "data-id": event.id },
    h("time", { datetime: new Date(event.time * 1000).toISOString() }, timeOfDay(event.time)),
    h("span", { class: event.level, title: LEVEL_WORDS[event.level] }, icon(event.level), h("span", { class: "sr" }, `${LEVEL_WORDS[event.level]}: `)),
    h("span", { class: "line-text" }, event.text),
  );
}

/** Copy, also where the page came over plain HTTP from another machine and has no clipboard of its own. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { class: "sr", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
