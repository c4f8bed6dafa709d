/** One expectation of a scene: expected beside measured, and whether it has been seen. */

import { h, say, set, setIcon } from "../../lib/dom.js";
import { words } from "../../lib/format.js";

const SHAPES = { pass: "good", fail: "error", pending: "pending" };

/** A row; `show` takes a check of GET /api/state, `preview` what GET /api/scenes says of it. Until it is open it is "…". */
export class Check {
  constructor() {
    this.shape = h("span", { class: "check-shape" });
    this.text = h("span", { class: "check-text" });
    this.note = h("span", { class: "check-note" });
    /** @type {string | undefined} */
    this.hint = undefined;
    this.measured = h("span", { class: "check-measured" });
    this.element = h("li", { class: "check" }, this.shape, this.text, this.measured, this.note);
  }

  preview(expectation) {
    this.put("pending", "pending", expectation.text, `expected: ${expectation.expected}`, "");
  }

  /** `script` is what GET /api/scenes says of it, for a presenter who wants to know before the room does. */
  show(check, elapsed, hint, script) {
    set(this.element, "data-closed", check.open ? null : "");
    if (!check.open && !script) return this.put("pending", "pending", "…", waitInWords(check, elapsed), "");
    const { text, expected } = check.open ? check : script;
    if (check.outcome === "fail") hint = this.hint ??= hint; // what was wrong then, not what is wrong now
    const note = {
      pass: `expected ${expected} · confirmed after ${Math.round(check.confirmed_after_seconds ?? 0)} s`,
      fail: `expected ${expected} · not visible: check ${hint}`,
      pending: `expected ${expected} · ${waitInWords(check, elapsed)}`,
    }[check.outcome];
    return this.put(check.outcome, SHAPES[check.outcome], text, note, check.measured ?? (check.outcome === "pending" ? "…" : "none"));
  }

  put(outcome, level, text, note, measured) {
    set(this.element, "data-outcome", outcome);
    setIcon(this.shape, level);
    set(this.shape, "class", `check-shape ${level === "pending" ? "soft" : level}`);
    say(this.text, text.charAt(0).toUpperCase() + text.slice(1));
    say(this.note, note);
    say(this.measured, measured);
  }
}

function waitInWords(check, elapsed) {
  const left = Math.ceil((check.at_seconds ?? 0) - elapsed);
  return left > 0 ? `decided in ${left} s at the latest` : "being measured";
}

/** Why a symptom may be missing: what of the scene is not as it was set. */
export function hintFor(scene, state) {
  const silent = Object.keys(state.services).filter((name) => !state.services[name].up);
  if (silent.length) return `${silent.join(" and ")}: no answer`;
  const itself = scene.steps.length > 0; // then it changes switches and traffic by itself
  for (const { service, kind, name, params } of itself ? [] : scene.switches) {
    const now = state.services[service]?.active[kind]?.[name];
    if (!now) return `${service}: ${words(name)} is off`;
    const other = Object.entries(params).find(([key, value]) => now[key] !== value);
    if (other) return `${service}: ${words(name)} has ${words(other[0])} ${now[other[0]]}, the scene ${other[1]}`;
  }
  const wanted = new Set(scene.switches.map(({ service, name }) => `${service} ${name}`));
  for (const [service, { active }] of Object.entries(state.services))
    for (const kind of itself ? [] : ["failure", "defence"])
      for (const name of Object.keys(active[kind])) if (!wanted.has(`${service} ${name}`)) return `${service}: ${words(name)} is on, and is not of this scene`;
  if (!itself && state.traffic && state.traffic.rps !== scene.traffic_rps)
    return `the traffic: ${state.traffic.rps} users a second, not ${scene.traffic_rps}`;
  return "the activity log, and how busy this machine is; then start the scene again";
}
