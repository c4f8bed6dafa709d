/** A drill on the page, on the stage and on a phone: its clock, what this team says, the board, and what it was. */

import { post } from "../../lib/api.js";
import { busy, offer, onKey, tell } from "../../lib/commands.js";
import { dialog, h, say, set } from "../../lib/dom.js";
import { clock } from "../../lib/format.js";
import { isViewer } from "../../lib/view.js";
import { Answers } from "./answers.js";
import { boardOf } from "./board.js";
import { resultOf } from "./result.js";

const TASK = "What is wrong is hidden.";
const HOW = " Say when something is, find out what, and help the users: with defences and settings.";
const LEVELS = [
  [1, "Level 1: one fault, and it hurts at once"],
  [2, "Level 2: one instance of several, or a setting"],
  [3, "Level 3: subtle, or two at once"],
  [null, "Any card of the deck"],
];

/**
 * @param {HTMLElement} root
 * @param {import("../../lib/lab.js").Lab} lab
 * @param {import("../../lib/room.js").Room} room
 */
export function mountDrill(root, lab, room) {
  const panel = new Panel(root, lab, room);
  if (isViewer) return;
  onKey("d", () => panel.next());
  offer(() => (panel.isRunning ? [{ title: "Drill: end it, and tell what it was", action: () => panel.end() }] : LEVELS.map(([level, text]) => ({ title: `Start a drill. ${text}`, action: () => panel.begin(level), key: "d" }))));
}

class Panel {
  constructor(root, lab, room) {
    Object.assign(this, { root, lab, drill: null, isAway: false });
    this.title = h("h2", { id: "drill-title" });
    this.clock = h("b", { class: "drill-clock" });
    this.buttons = h("div", { class: "bet-buttons" });
    this.task = h("p", { class: "drill-task" }, TASK, h("span", {}, HOW));
    this.answers = new Answers(room);
    this.board = h("div", { class: "drill-teams" });
    this.result = h("div", { class: "drill-result" });
    root.append(h("div", { class: "drill-head" }, this.title, this.clock, this.buttons), this.task, this.answers.element, this.board, this.result);
    room.subscribe(({ drill }) => this.take(drill ?? null));
    lab.subscribe(({ state }) => state?.drill && this.showClock(state.drill.seconds));
  }

  get isRunning() {
    return this.drill?.phase === "running";
  }

  take(drill) {
    const isNew = drill && (drill.started_at !== this.drill?.started_at || drill.phase !== this.drill?.phase);
    if (isNew) this.isAway = false;
    if (isNew && drill.phase === "running") this.answers.choices = null;
    this.drill = drill;
    this.draw();
  }

  draw() {
    const { drill } = this;
    this.root.hidden = !drill || this.isAway;
    if (!drill) return;
    set(this.root, "data-phase", drill.phase);
    say(this.title, this.isRunning ? `Drill${drill.level ? `, level ${drill.level}` : ""}` : drill.result.title);
    this.showClock(drill.seconds);
    this.task.hidden = this.answers.element.hidden = !this.isRunning;
    if (this.isRunning) this.answers.show(drill);
    this.result.replaceChildren(...(drill.result ? resultOf(drill.result) : []));
    this.board.replaceChildren(...[boardOf(drill)].filter(Boolean));
    this.buttons.replaceChildren(...(isViewer ? [] : [this.button()]));
  }

  button() {
    const made = this.isRunning
      ? h("button", { type: "button", class: "button", onclick: () => busy(made, () => this.end()) }, "End it")
      : h("button", { type: "button", class: "button", onclick: () => this.next() }, "Put away", h("span", { class: "key", "aria-hidden": "true" }, "D"));
    return made;
  }

  showClock(passed) {
    say(this.clock, clock(passed));
  }

  /** Key D: start one, or put away what one was. */
  next() {
    if (this.isRunning) return tell("info", "A drill is on. “End it” tells what it was; R resets the lab, and ends it, too.");
    if (this.drill && !this.isAway) {
      this.isAway = true;
      return this.draw();
    }
    const buttons = LEVELS.map(([level, text]) => {
      const made = h("button", { type: "button", class: "button", onclick: () => busy(made, () => this.begin(level).then(() => shown.close())) }, text);
      return made;
    });
    const shown = dialog("Start a drill", h("p", {}, "The lab is reset, users come, and within a minute something may go wrong that no screen names. Teams answer on their phones, at /view."), h("div", { class: "drill-levels" }, ...buttons));
    return undefined;
  }

  async begin(level) {
    await post("/api/drill", { action: "start", ...(level && { level }) });
    await this.lab.refresh();
  }

  async end() {
    await post("/api/drill", { action: "end" });
    await this.lab.refresh();
  }
}
