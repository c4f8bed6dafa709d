/** Asks with which defence a scene is played the second time, and starts it. */

import { get, post } from "../../lib/api.js";
import { inWords, tell } from "../../lib/commands.js";
import { dialog, h } from "../../lib/dom.js";
import { words } from "../../lib/format.js";

/** @param {any} scene @param {import("../../lib/lab.js").Lab} lab */
export async function chooseCure(scene, lab) {
  const { services } = await get("/api/catalogue");
  const every = Object.entries(services).flatMap(([service, switches]) =>
    switches.filter(({ kind }) => kind === "defence").map(({ name }) => ({ service, name, params: {} })),
  );
  const button = (defence) =>
    h("button", { type: "button", class: "button", onclick: () => start(defence) }, `${words(defence.name)} of ${defence.service}`);
  const others = h(
    "select",
    { "aria-label": "Another defence", onchange: () => others.value && start(every[Number(others.value)]) },
    h("option", { value: "" }, "another one …"),
    ...every.map(({ service, name }, index) => h("option", { value: index }, `${service}: ${words(name)}`)),
  );
  const open = dialog(
    "Two outcomes",
    h("p", {}, `${scene.title}, twice for the same users: as it is, and then with`),
    h("div", { class: "outcomes-choice" }, ...scene.cures.map(button), others),
  );
  async function start(defence) {
    open.close();
    try {
      await post(`/api/scenes/${encodeURIComponent(scene.name)}`, { then_with: [defence] });
      await lab.refresh();
    } catch (error) {
      tell("error", inWords(error));
    }
  }
}
