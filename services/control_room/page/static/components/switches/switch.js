/** One switch of one service. */

import { post, Refused } from "../../lib/api.js";
import { busy, inWords, leaveField, tell } from "../../lib/commands.js";
import { h, icon, say, set } from "../../lib/dom.js";
import { clock, words } from "../../lib/format.js";
import { isViewer } from "../../lib/view.js";
import { Field } from "./field.js";

export class Switch {
  /**
   * @param {string} service
   * @param {any} described of GET /api/catalogue
   * @param {import("../../lib/lab.js").Lab} lab
   */
  constructor(service, described, lab) {
    const { kind, name, story, params } = described;
    Object.assign(this, { service, kind, name, lab, isOn: false });
    this.id = `${service}-${kind}-${name}`;
    this.isSetting = kind === "setting";
    this.fields = params.map((param) => new Field(param, `${this.id}-${param.name}`, () => this.showButtons()));
    this.nowText = h("span");
    this.now = h("p", { class: "switch-now" }, icon(this.isSetting ? "setting" : kind), this.nowText);
    this.now.hidden = true;
    this.problem = h("p", { class: "switch-problem", role: "alert" });
    this.problem.hidden = true;
    this.applyText = h("span");
    this.apply = h("button", { type: "submit", class: "button strong" }, this.applyText);
    this.restore = h("button", { type: "button", class: "button", onclick: () => this.putBack() }, "Back to the default");
    this.details = h("details", {}, h("summary", {}, h("span", {}, "Values and duration")), this.form());
    this.element = h(
      "li",
      { class: `switch ${kind}`, id: this.id },
      h("span", { class: "switch-name", id: `${this.id}-name` }, words(name)),
      this.isSetting || isViewer ? (this.word = h("span", { class: "toggle-word soft" }, "default")) : this.makeToggle(),
      h("p", { class: "switch-story", id: `${this.id}-story` }, story),
      this.now,
      this.problem,
      this.details,
    );
    this.details.open = this.fields.some((field) => field.isEdited);
    this.showButtons();
  }

  form() {
    const send = (event) => {
      event.preventDefault();
      this.change(true, this.apply);
    };
    return h(
      isViewer ? "div" : "form",
      { class: "fields", onsubmit: send, novalidate: true, "aria-labelledby": `${this.id}-name` },
      ...this.fields.map((field) => field.element),
      !isViewer && h("div", { class: "switch-buttons" }, this.apply, this.restore),
    );
  }

  makeToggle() {
    this.word = h("span", { class: "toggle-word" }, "off");
    this.toggle = h(
      "button",
      {
        type: "button",
        class: "toggle",
        role: "switch",
        "aria-checked": "false",
        "aria-labelledby": `${this.id}-name`,
        "aria-describedby": `${this.id}-story`,
        onclick: () => this.change(!this.isOn, this.toggle),
      },
      this.word,
      h("i", { "aria-hidden": "true" }),
    );
    return this.toggle;
  }

  /** Ask the lab; what is shown changes when the lab says that it has. */
  change(active, button) {
    return busy(button, async () => {
      this.problem.hidden = true;
      this.fields.forEach((field) => field.clear());
      try {
        await post(`/api/services/${this.service}/${this.kind}s/${this.name}`, active ? { active, params: this.values() } : { active });
        if (active) this.fields.forEach((field) => field.settle());
        leaveField();
      } catch (error) {
        this.refuse(error);
      }
      await this.lab.refresh();
    });
  }

  /** On with its defaults, or off, wherever its fields belong to now. */
  async turn(target, active) {
    await post(`/api/services/${target}/${this.kind}s/${this.name}`, { active });
    tell("good", `${target}: ${words(this.name)} is ${active ? "on" : this.isSetting ? "at its default" : "off"}`);
    await this.lab.refresh();
  }

  putBack() {
    return busy(this.restore, async () => {
      this.fields.forEach((field) => field.restore());
      if (this.isOn && this.isSetting) await this.change(false, this.apply);
      this.showButtons();
    });
  }

  values() {
    const given = this.fields.map((field) => [field.param.name, field.value()]);
    return Object.fromEntries(given.filter(([, value]) => value !== undefined));
  }

  refuse(error) {
    const field = error instanceof Refused && this.fields.find(({ param }) => param.name === error.field);
    if (field) {
      this.details.open = true;
      field.refuse(error.message);
      return;
    }
    this.problem.hidden = false;
    say(this.problem, inWords(error));
  }

  /** @param {any} state of GET /api/state: this service's part */
  show(state) {
    const params = state.active[this.kind][this.name];
    this.isOn = params !== undefined;
    this.fields.forEach((field) => field.follow(params?.[field.param.name]));
    this.element.classList.toggle("on", this.isOn);
    if (this.toggle) set(this.toggle, "aria-checked", String(this.isOn));
    const off = this.isSetting ? "default" : "off";
    say(this.word, state.up ? (this.isOn ? (this.isSetting ? "changed" : "on") : off) : "unknown");
    const left = state.expires?.[this.kind][this.name];
    const values = this.isOn ? this.fields.map((field) => field.inWords(params[field.param.name])).filter(Boolean).join(", ") : "";
    const until = left === undefined ? "" : `goes ${this.isSetting ? "back" : "off"} in ${left < 60 ? `${Math.ceil(left)} s` : clock(left)}`;
    say(this.nowText, [values, until].filter(Boolean).join(" · "));
    this.now.hidden = !this.nowText.textContent;
    this.showButtons();
  }

  showButtons() {
    const edited = this.fields.some((field) => field.isEdited);
    say(this.applyText, this.isSetting ? "Apply" : this.isOn ? "Apply while on" : "Switch on with these");
    this.restore.hidden = !edited && !(this.isSetting && this.isOn);
  }
}
