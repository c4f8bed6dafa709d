/** The stage: what this moment says in one sentence, the path with each request on it, and the one chart of the scene. */

import { onKey } from "../../lib/commands.js";
import { h, say } from "../../lib/dom.js";
import { isOnStage, setStage } from "../../lib/mode.js";
import { Crowd } from "./crowd.js";
import { mountFigure } from "./figure.js";
import { Nodes } from "./nodes.js";

const BANNER_MS = 6000;

/**
 * @param {HTMLElement} root
 * @param {import("../../lib/lab.js").Lab} lab
 * @param {import("../../lib/topology.js").Service[]} chain
 * @param {import("../../lib/history.js").History} history
 */
export function mountStage(root, lab, chain, history) {
  const sentence = h("p", { class: "stage-sentence" });
  const nodes = new Nodes(chain);
  const canvas = h("canvas", { class: "stage-crowd", "aria-hidden": "true" });
  const legend = h("p", { class: "stage-legend" });
  const banner = h("p", { class: "stage-banner", role: "status" });
  root.append(h("h2", { class: "sr" }, "The stage"), sentence, h("div", { class: "stage-path" }, nodes.element, canvas, banner), legend, h("div", { class: "stage-figure" }));
  const crowd = new Crowd(canvas, nodes, (text) => say(legend, text));
  mountFigure(root.lastElementChild, lab, chain.slice(1), history);
  const follow = () => (isOnStage() ? crowd.start() : crowd.stop());
  document.addEventListener("stage", follow);
  onKey("s", () => setStage(!isOnStage()), "The stage, and back");
  lab.subscribe(({ state, answering }) => {
    if (!state) return;
    say(sentence, state.sentence);
    nodes.show(state, answering);
  });
  announceSteps(banner, lab);
  follow();
}

/** A step of a scene is a banner over the path, for some seconds. */
function announceSteps(banner, lab) {
  let told = null;
  let timer;
  banner.hidden = true;
  lab.subscribe(({ state }) => {
    if (!state) return;
    const step = state.scene?.step ?? "";
    if (told === step) return;
    const isFirst = told === null;
    told = step;
    if (isFirst) return; // whoever comes in the middle of a step has not missed it
    clearTimeout(timer);
    banner.hidden = !step;
    say(banner, step);
    timer = setTimeout(() => (banner.hidden = true), BANNER_MS);
  });
}
