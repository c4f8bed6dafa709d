/** What a team says in a drill: that something is wrong, where and what it is; and its hints, which cost points. */

import { sendFromRoom } from "../../lib/api.js";
import { busy } from "../../lib/commands.js";
import { h, say, set } from "../../lib/dom.js";
import { words } from "../../lib/format.js";
import { isViewer } from "../../lib/view.js";

const TEAM_KEY = "lab-team";
const ROOM = "The room";

export class Answers {
  /** @param {import("../../lib/room.js").Room} room */
  constructor(room) {
    this.room = room;
    this.team = h("input", { id: "drill-team", maxlength: 24, required: true, autocomplete: "off", value: isViewer ? (localStorage.getItem(TEAM_KEY) ?? "") : ROOM });
    this.incident = this.button("Incident!", "strong", () => ({ kind: "detected" }));
    this.where = h("select", { id: "drill-where", onchange: () => this.showSwitches() });
    this.what = h("select", { id: "drill-what", onchange: () => this.showStory() });
    this.story = h("p", { class: "soft drill-story" });
    this.named = this.button("This is it", "", () => ({ kind: "diagnosis", service: this.where.value, switch: this.what.value }));
    this.hint = this.button("A hint, for 50 points", "", () => ({ kind: "hint" }));
    this.said = h("p", { class: "drill-said", role: "status" });
    this.hints = h("ol", { class: "drill-hints" });
    const field = (label, control) => h("div", { class: "form-row" }, h("label", { for: control.id }, label), control);
    this.element = h(
      "div",
      { class: "drill-answers" },
      h("div", { class: "drill-row" }, field("Team", this.team), this.incident, this.hint),
      h("div", { class: "drill-row" }, field("Where", this.where), field("What", this.what), this.named),
      this.story,
      this.said,
      this.hints,
    );
  }

  button(text, look, body) {
    const made = h("button", { type: "button", class: `button ${look}`, onclick: () => busy(made, () => this.send(body())) }, text);
    return made;
  }

  async send(body) {
    if (!this.team.reportValidity()) return;
    const answer = await sendFromRoom("/api/room/answers", { team: this.team.value, ...body });
    if (isViewer) localStorage.setItem(TEAM_KEY, answer.drill.mine.team);
    this.room.take(answer);
  }

  /** @param {any} drill as in GET /api/room */
  show(drill) {
    if (!this.choices) this.takeChoices(drill.choices);
    const { mine } = drill;
    if (mine) this.team.value = mine.team;
    set(this.team, "disabled", Boolean(mine));
    this.incident.hidden = Boolean(mine?.detected);
    this.named.hidden = Boolean(mine?.diagnosed);
    this.hint.hidden = mine?.hints_left === 0 || Boolean(mine?.diagnosed);
    say(this.said, mine?.said ?? "");
    this.hints.replaceChildren(...(mine?.hints ?? []).map((text) => h("li", {}, text)));
  }

  takeChoices(choices) {
    this.choices = choices;
    this.where.replaceChildren(...choices.map(({ service }) => h("option", { value: service }, service === "traffic" ? "traffic: the users" : service)));
    this.showSwitches();
  }

  showSwitches() {
    const { switches } = this.choices.find(({ service }) => service === this.where.value);
    this.what.replaceChildren(...switches.map(({ name }) => h("option", { value: name }, words(name))));
    this.showStory();
  }

  showStory() {
    const { switches } = this.choices.find(({ service }) => service === this.where.value);
    say(this.story, switches.find(({ name }) => name === this.what.value)?.story ?? "");
  }
}
