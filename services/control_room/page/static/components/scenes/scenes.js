/** The scenes: the story, what to do, what to watch; then each step as it comes, and the expectations as they come true. */

import { get, post } from "../../lib/api.js";
import { busy, inWords, offer, onKey, press, tell } from "../../lib/commands.js";
import { h, icon, say, set, setIcon } from "../../lib/dom.js";
import { clock } from "../../lib/format.js";
import { reportButton, saveReport } from "../../lib/report.js";
import { isViewer } from "../../lib/view.js";
import { chooseCure } from "../outcomes/choice.js";
import { Check, hintFor } from "./check.js";

const AGAIN_MS = 3000;
const FIRST = 5; // the demo's own have tabs; the others share a list
const DENSE = 7;
const VERDICTS = {
  pass: ["good", "Everything was as expected"],
  fail: ["error", "Not everything was as expected"],
};

/** @param {HTMLElement} root @param {import("../../lib/lab.js").Lab} lab */
export async function mountScenes(root, lab) {
  const { scenes } = await get("/api/scenes").catch(() => ({ scenes: null }));
  if (!scenes) {
    setTimeout(() => mountScenes(root, lab), AGAIN_MS);
    return;
  }
  new Scenes(root, lab, scenes);
}

class Scenes {
  constructor(root, lab, scenes) {
    this.lab = lab;
    this.scenes = scenes;
    this.live = "";
    this.isRevealed = false; // whether the presenter sees what is expected before its time
    this.build(root);
    this.select(scenes[0].name);
    lab.subscribe(({ state }) => state && this.follow(state));
    scenes.slice(0, 9).forEach((scene, index) => onKey(String(index + 1), () => this.select(scene.name, true)));
    if (isViewer) return;
    onKey("n", () => this.next(), "Next: start the scene that is shown, or show the next one");
    onKey("e", () => this.reveal(), "Show what is expected, or leave it to come");
    onKey("c", () => this.compare(), "Compare: the scene twice for the same users, the second time with a defence");
    offer(() => scenes.flatMap((scene) => this.commands(scene)));
    offer(() => [{ title: "Report: save the post-mortem of what was played", action: saveReport }]);
  }

  build(root) {
    this.tabs = Object.fromEntries(this.scenes.slice(0, FIRST).map((scene, index) => [scene.name, this.tab(scene, index)]));
    this.others = this.othersList(this.scenes.slice(FIRST));
    this.titleMore = h("span", { class: "scene-title-more" }); // no room for it on the stage
    this.titleFirst = h("span");
    this.title = h("h3", { id: "scene-title" }, this.titleFirst, this.titleMore);
    this.clock = h("p", { class: "scene-clock" });
    this.startText = h("span");
    this.startButton = h("button", { type: "button", class: "button strong", onclick: () => this.start() }, icon("play"), this.startText);
    this.startButton.hidden = isViewer;
    this.sendText = h("span");
    this.sendButton = h("button", { type: "button", class: "button strong", onclick: () => press("t") }, icon("send"), this.sendText, h("span", { class: "key", "aria-hidden": "true" }, "T"));
    this.progress = h("i");
    this.bar = h("div", { class: "scene-progress", "aria-hidden": "true" }, this.progress);
    this.story = h("p", { class: "scene-story" });
    this.todo = h("ul");
    this.watch = h("ul");
    this.lists = h("div", { class: "scene-lists" }, !isViewer && column("Do", this.todo), column("Watch", this.watch));
    this.moreLists = h("div");
    this.more = h("details", { class: "scene-more" }, h("summary", {}, "What to do, what to watch"), this.moreLists);
    this.steps = h("ol", { class: "scene-steps", "aria-label": "What has happened", "aria-live": "polite" });
    this.revealButton = h("button", { type: "button", class: "button plain", "aria-pressed": "false", "aria-keyshortcuts": "e", onclick: () => this.reveal() }, "Show what is expected", h("span", { class: "key", "aria-hidden": "true" }, "E"));
    this.compareButton = h("button", { type: "button", class: "button plain", "aria-keyshortcuts": "c", onclick: () => this.compare() }, "Compare", h("span", { class: "key", "aria-hidden": "true" }, "C"));
    this.revealButton.hidden = this.compareButton.hidden = isViewer;
    this.checkList = h("ol", { class: "checks", "aria-label": "Expected and measured" });
    this.verdictShape = h("span");
    this.verdictText = h("span");
    this.lesson = h("p", { class: "scene-story" });
    this.verdict = h("p", { class: "verdict", role: "status" }, this.verdictShape, this.verdictText);
    this.end = h("div", { class: "scene-end" }, this.verdict, !isViewer && reportButton("button"));
    this.body = h("div", { class: "scene", role: "tabpanel", id: "scene-panel" });
    this.body.append(
      h("div", { class: "scene-head" }, this.title, this.clock, this.sendButton, this.startButton),
      this.bar,
      this.story,
      this.lists,
      this.steps,
      this.checkList,
      this.end,
      this.lesson,
      h("div", { class: "scene-foot" }, this.more, this.compareButton, this.revealButton),
    );
    root.querySelector("h2").classList.add("sr");
    const tabs = h("div", { class: "scene-tabs", role: "tablist", "aria-label": "Scenes", onkeydown: (event) => this.arrow(event) });
    tabs.append(...Object.values(this.tabs));
    root.append(h("div", { class: "scene-choice" }, tabs, this.others), this.body);
  }

  othersList(scenes) {
    if (!scenes.length) return null;
    return h(
      "select",
      { class: "scene-tab", "aria-label": "More scenes", onchange: (event) => event.target.value && this.select(event.target.value) },
      h("option", { value: "" }, `${scenes.length} more`),
      ...scenes.map((scene, index) => h("option", { value: scene.name }, `${FIRST + index + 1} ${scene.title}`)),
    );
  }

  tab(scene, index) {
    return h(
      "button",
      { type: "button", class: "scene-tab", role: "tab", id: `scene-${scene.name}`, "aria-controls": "scene-panel", onclick: () => this.select(scene.name) },
      h("b", {}, String(index + 1)),
      " ",
      h("span", {}, scene.title),
    );
  }

  arrow(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const names = Object.keys(this.tabs);
    this.select(names[(names.indexOf(this.selected) + step + names.length) % names.length]);
    this.tabs[this.selected].focus();
  }

  index() {
    return this.scenes.findIndex((scene) => scene.name === this.selected);
  }

  /** Show a scene; from the keyboard, Enter starts it then. */
  select(name, focus = false) {
    this.selected = name;
    for (const [key, tab] of Object.entries(this.tabs)) {
      set(tab, "aria-selected", String(key === name));
      set(tab, "tabindex", key === name ? "0" : "-1");
    }
    if (!this.tabs[name]) set(Object.values(this.tabs)[0], "tabindex", "0");
    if (this.others) this.others.value = this.tabs[name] ? "" : name;
    this.others?.classList.toggle("chosen", !this.tabs[name]);
    set(this.body, "aria-labelledby", this.tabs[name] ? `scene-${name}` : "scene-title");
    document.dispatchEvent(new CustomEvent("scene", { detail: name }));
    this.draw();
    if (focus) (isViewer ? this.tabs[name] : this.startButton)?.focus();
  }

  /** Show what is expected before its time, or leave it to come. */
  reveal() {
    this.isRevealed = !this.isRevealed;
    set(this.revealButton, "aria-pressed", String(this.isRevealed));
    this.draw();
  }

  next() {
    const isLive = this.lab.now.state?.scene?.name === this.selected;
    if (!isLive) this.startButton.click();
    else if (this.index() + 1 < this.scenes.length) this.select(this.scenes[this.index() + 1].name);
    else tell("info", "That was the last scene.");
  }

  compare() {
    chooseCure(this.scenes[this.index()], this.lab).catch((error) => tell("error", inWords(error)));
  }

  /** @returns {import("../../lib/commands.js").Command[]} for the command palette */
  commands({ name, title }) {
    const show = () => this.select(name, true);
    return [
      { title: `Start scene ${title}`, action: () => (show(), this.start()) },
      { title: `Show scene ${title}`, action: show },
    ];
  }

  start() {
    const scene = this.scenes[this.index()];
    return busy(this.startButton, async () => {
      say(this.startText, "Starting");
      try {
        await post(`/api/scenes/${encodeURIComponent(scene.name)}`, { hands_on: scene.requests > 0 });
      } finally {
        await this.lab.refresh();
        this.draw();
      }
    });
  }

  /** When somebody starts a scene, everybody sees it; otherwise people keep the one that they look at. */
  follow(state) {
    const live = state.scene ? `${state.scene.name} ${state.scene.started_at}` : "";
    const isNew = live !== this.live;
    this.live = live;
    for (const [name, tab] of Object.entries(this.tabs)) {
      const isLive = state.scene?.name === name;
      set(tab, "data-live", isLive ? "" : null);
      set(tab, "title", isLive ? "On stage now" : null);
    }
    if (this.others) set(this.others, "data-live", state.scene && !this.tabs[state.scene.name] ? "" : null);
    if (isNew && live && state.scene.name !== this.selected) this.select(state.scene.name);
    else this.draw();
  }

  draw() {
    const state = this.lab.now.state;
    const scene = this.scenes[this.index()];
    const run = state?.scene?.name === scene.name ? state.scene : null;
    this.drawHead(scene, run);
    this.drawStory(scene, run);
    const entries = run ? run.checks : scene.expectations;
    if (this.drawn !== `${scene.name} ${Boolean(run)}`) {
      this.drawn = `${scene.name} ${Boolean(run)}`;
      this.checks = entries.map(() => new Check());
      this.checkList.replaceChildren(...this.checks.map((check) => check.element));
      this.checkList.classList.toggle("dense", entries.length > DENSE);
    }
    this.checkList.hidden = !run && !this.isRevealed;
    const hint = run ? hintFor(scene, state) : "";
    entries.forEach((entry, index) => {
      if (run) this.checks[index].show(entry, run.elapsed_seconds, hint, this.isRevealed && scene.expectations[index]);
      else this.checks[index].preview(entry);
    });
    this.drawSteps(run);
    this.lesson.hidden = !run?.lesson;
    say(this.lesson, oneLine(run?.lesson ?? ""));
    const [level, words] = VERDICTS[run?.verdict] ?? [];
    this.verdict.hidden = this.end.hidden = !level;
    if (level) {
      set(this.verdict, "class", `verdict ${level}`);
      setIcon(this.verdictShape, level);
      say(this.verdictText, words);
    }
  }

  /** A line for each step that has come; those that are to come are not told. */
  drawSteps(run) {
    const steps = run?.steps ?? [];
    this.steps.hidden = !steps.length;
    const lines = steps.map((step) => `${clock(step.at_seconds)} ${step.say}`);
    if (lines.join() === this.toldSteps) return;
    this.toldSteps = lines.join();
    this.steps.replaceChildren(...steps.map((step) => h("li", {}, h("b", {}, clock(step.at_seconds)), h("span", {}, step.say))));
  }

  drawHead(scene, run) {
    const [first, ...more] = scene.title.split(":");
    say(this.titleFirst, first);
    say(this.titleMore, more.map((part) => `:${part}`).join(""));
    if (this.startButton.getAttribute("aria-disabled") !== "true") say(this.startText, run ? "Again" : "Start scene");
    this.startButton.classList.toggle("strong", !run);
    const sent = run?.requests_seconds.length ?? 0;
    this.sendButton.hidden = isViewer || !run?.waits;
    this.clock.hidden = !run || !this.sendButton.hidden;
    this.bar.hidden = !run;
    if (!run) return;
    say(this.sendText, `Request ${sent + 1} of ${run.requests}`);
    const over = run.elapsed_seconds >= run.duration_seconds;
    if (run.waits) say(this.clock, `${sent} of ${run.requests} requests`);
    else say(this.clock, over ? clock(run.elapsed_seconds) : `${clock(run.elapsed_seconds)} of ${clock(run.duration_seconds)}`);
    this.progress.style.transform = `scaleX(${Math.min(1, run.elapsed_seconds / (run.duration_seconds || 1)).toFixed(3)})`;
  }

  drawStory(scene, run) {
    const isLive = Boolean(run);
    if (this.told !== scene.name) {
      this.told = scene.name;
      say(this.story, oneLine(scene.story));
      this.todo.replaceChildren(...scene.do.map((text) => h("li", {}, text)));
      this.watch.replaceChildren(...scene.watch.map((text) => h("li", {}, text)));
      this.more.open = false;
    }
    this.more.hidden = !isLive;
    const home = isLive ? this.moreLists : this.body;
    if (this.lists.parentElement === home) return;
    if (isLive) this.moreLists.append(this.story, this.lists);
    else this.bar.after(this.story, this.lists);
  }
}

function oneLine(text) {
  return text.replace(/\s+/g, " ");
}

function column(title, list) {
  return h("div", {}, h("h3", {}, title), list);
}
