/** The path as a table, for those who hear the page: what the drawing shows to eyes alone. */

import { h, say } from "../../lib/dom.js";
import { rate } from "../../lib/format.js";
import { METERS } from "./path.js";

/**
 * @param {HTMLElement} root
 * @param {import("../../lib/lab.js").Lab} lab
 * @param {import("../../lib/topology.js").Service[]} chain
 */
export function mountPathTable(root, lab, chain) {
  const meters = [...new Set(chain.flatMap((service) => service.meters))];
  const head = ["service", "health", "calls a second that it makes", ...meters, "switched on"];
  const rows = chain.map(({ title }) => [h("th", { scope: "row" }, title), ...head.slice(1).map(() => h("td"))]);
  const header = h("tr", {}, ...head.map((name) => h("th", { scope: "col" }, name)));
  const body = rows.map((cells) => h("tr", {}, ...cells));
  const table = h("table", {}, h("caption", {}, "The path of a request, in numbers"), h("thead", {}, header), h("tbody", {}, ...body));
  root.append(h("div", { class: "sr" }, table));
  lab.subscribe(({ state }) => {
    if (!state) return;
    chain.forEach((service, index) => {
      const [, ...cells] = rows[index];
      wordsOf(service, meters, state).forEach((words, column) => say(cells[column], words));
    });
  });
}

function wordsOf({ name, meters }, columns, state) {
  const service = state.services[name];
  const measured = columns.map((meter) => (meters.includes(meter) ? METERS[meter](service, state)[1] : "none"));
  const on = state.tags[name].map(({ text }) => text);
  return [service.health.word, service.calls ? rate(service.calls.rps) : "none", ...measured, on.join(", ") || "nothing"];
}
