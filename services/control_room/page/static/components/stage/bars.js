/** The scene's own test requests, a bar each: the staircase of the memory leak. */

import { h, say, set } from "../../lib/dom.js";

const LEAST = 12;

export class Bars {
  constructor() {
    this.list = h("ol", { class: "bars", "aria-label": "How long each test request took" });
    this.element = h("figure", { class: "chart bars-figure" }, h("figcaption", {}, h("h3", {}, "Each test request, in milliseconds")), this.list);
  }

  /** @param {number[]} taken seconds, oldest first */
  show(taken) {
    while (this.list.children.length < Math.max(LEAST, taken.length)) this.list.append(h("li", {}, h("b"), h("i"), h("span", {}, String(this.list.children.length + 1))));
    const most = Math.max(...taken, 0.001);
    [...this.list.children].forEach((bar, index) => {
      const [value, fill] = bar.children;
      say(value, index < taken.length ? String(Math.round(1000 * taken[index])) : "");
      fill.style.height = `${index < taken.length ? Math.max(3, (100 * taken[index]) / most) : 0}%`;
      set(bar, "data-sent", index < taken.length ? "" : null);
    });
  }
}
