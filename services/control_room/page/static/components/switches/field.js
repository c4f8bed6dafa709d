/** One parameter: a field with unit and bounds from the catalogue. What somebody typed stays, whatever happens. */

import { h, icon, say, set } from "../../lib/dom.js";
import { words } from "../../lib/format.js";
import { isViewer } from "../../lib/view.js";

const DRAFTS_KEY = "lab-drafts";
const drafts = isViewer ? {} : JSON.parse(sessionStorage.getItem(DRAFTS_KEY) ?? "{}");

function keep(id, text) {
  if (text === undefined) delete drafts[id];
  else drafts[id] = text;
  sessionStorage.setItem(DRAFTS_KEY, JSON.stringify(drafts));
}

export class Field {
  /**
   * @param {any} param of GET /api/catalogue
   * @param {string} id unique on the page
   * @param {() => void} onEdit
   */
  constructor(param, id, onEdit) {
    this.param = param;
    this.id = id;
    this.known = param.default;
    this.input = this.makeInput();
    this.input.addEventListener("input", () => {
      keep(this.id, this.text() === String(this.known) ? undefined : this.text());
      this.clear();
      onEdit();
    });
    this.problem = h("p", { class: "field-problem", id: `${id}-problem`, role: "alert" });
    this.problem.hidden = true;
    this.element = h(
      "div",
      { class: "field" },
      h("label", { for: id }, plain(param.name)),
      this.input,
      param.choices || !param.unit ? null : h("span", { class: "field-unit" }, param.unit.replace(/^1\//, "/")),
      h("p", { class: "field-hint", id: `${id}-hint` }, `${param.story}${bounds(param)}`),
      this.problem,
    );
    if (id in drafts) this.put(drafts[id]);
  }

  makeInput() {
    const { choices, type, default: usual } = this.param;
    const shared = { id: this.id, "aria-describedby": `${this.id}-hint ${this.id}-problem`, disabled: isViewer };
    if (type === "boolean") return h("input", { ...shared, type: "checkbox", checked: usual });
    if (!choices) return h("input", { ...shared, type: "text", inputmode: "decimal", autocomplete: "off", value: usual });
    return h("select", shared, ...choices.map((choice) => h("option", { value: choice, selected: choice === usual }, words(choice))));
  }

  text() {
    return this.input.type === "checkbox" ? String(this.input.checked) : this.input.value.trim();
  }

  put(text) {
    if (this.input.type === "checkbox") this.input.checked = text === "true";
    else if (this.input.value !== text) this.input.value = text;
  }

  get isEdited() {
    return this.id in drafts;
  }

  /** What to send: a number where it is one; else the text, which the lab refuses in words. Empty is left out. */
  value() {
    const text = this.text();
    if (this.param.type === "boolean") return this.input.checked;
    if (this.param.choices) return text;
    if (text === "") return undefined;
    return Number.isFinite(Number(text)) ? Number(text) : text;
  }

  /** A value in words, for a switch that is on; nothing for the wrapper's values where they change nothing. */
  inWords(value) {
    const { name, unit } = this.param;
    const changesNothing = { probability: 1, duration_seconds: value }[name] === value;
    return value === undefined || changesNothing ? "" : `${plain(name)} ${value}${unit ? ` ${unit.replace(/^1\//, "/")}` : ""}`;
  }

  /** What the lab has; shown unless something else was typed. */
  follow(value) {
    this.known = value ?? this.param.default;
    if (!this.isEdited && document.activeElement !== this.input) this.put(String(this.known));
  }

  /** The lab took it. */
  settle() {
    keep(this.id, undefined);
    this.clear();
  }

  /** Back to the default. */
  restore() {
    this.settle();
    this.put(String(this.param.default));
  }

  refuse(text) {
    this.problem.replaceChildren(icon("error"), h("span", {}, text));
    this.problem.hidden = false;
    set(this.input, "aria-invalid", "true");
    this.input.focus();
  }

  clear() {
    this.problem.hidden = true;
    say(this.problem, "");
    set(this.input, "aria-invalid", null);
  }
}

/** A name without the unit that is shown beside it. */
function plain(name) {
  return words(name.replace(/_seconds$/, ""));
}

function bounds({ minimum, maximum, unit, default: usual }) {
  if (minimum === undefined) return "";
  return `: ${minimum} to ${maximum}${unit ? ` ${unit.replace(/^1\//, "/")}` : ""}, usually ${usual}`;
}
