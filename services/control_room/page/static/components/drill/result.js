/** What a drill was, when it is over: the fault, how it came about, a way out, and the hints. */

import { h } from "../../lib/dom.js";

/** @param {any} result of GET /api/room @returns {any[]} elements */
export function resultOf(result) {
  const list = (title, texts) => texts.length > 0 && h("div", {}, h("h3", {}, title), h("ul", { class: "drill-list" }, ...texts.map((text) => h("li", {}, text))));
  return [
    h("p", { class: "drill-words" }, result.words),
    h("p", { class: "drill-fault" }, h("b", {}, "It was: "), result.faults.join("; ")),
    h("p", {}, result.mechanism),
    list("One way out", result.cure),
    list("The hints", result.hints),
    list("To talk about", result.questions),
  ].filter(Boolean);
}
