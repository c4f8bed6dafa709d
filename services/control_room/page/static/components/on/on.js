/** What is on, in a list: for a frame too small for the path and the switches. */

import { h, icon } from "../../lib/dom.js";

/**
 * @param {HTMLElement} root
 * @param {import("../../lib/lab.js").Lab} lab
 */
export function mountOn(root, lab) {
  const list = h("ul", { class: "on-list", tabindex: "0", "aria-labelledby": "on-title" });
  root.append(h("section", { class: "panel on-now", "aria-labelledby": "on-title" }, h("h2", { id: "on-title" }, "What is on"), list));
  let shown = "";
  lab.subscribe(({ state }) => {
    if (!state) return;
    const entries = Object.keys(state.services).flatMap((name) => wordsOf(name, state).map(({ kind, text }) => [kind, `${name}: ${text}`]));
    if (JSON.stringify(entries) === shown) return;
    shown = JSON.stringify(entries);
    const lines = entries.map(([kind, text]) => h("li", { class: `on-${kind}` }, icon(kind), h("span", {}, text)));
    list.replaceChildren(...(lines.length ? lines : [h("li", {}, "Nothing: everything is as usual.")]));
  });
}

/** What a silent service has on, nobody knows. */
const wordsOf = (name, { services, tags }) => (services[name].up ? tags[name] : [{ kind: "unknown", text: "does not answer" }]);
