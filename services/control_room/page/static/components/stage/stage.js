/** The stage: what this moment says in one sentence, the path with each request on it, and the one chart of the scene. */

import { onKey, tell } from "../../lib/commands.js";
import { h, say } from "../../lib/dom.js";
import { isOnStage, setStage } from "../../lib/mode.js";
import { Crowd } from "./crowd.js";
import { mountFigure } from "./figure.js";
import { Nodes } from "./nodes.js";

const BANNER_MS = 6000;
const UNITS = /(?<=\d) (?=(?:%|s|ms|MB)(?!\w))/g; // stay with their numbers

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
  const figure = h("div", { class: "stage-figure" });
  root.append(h("h2", { class: "sr" }, "The stage"), sentence, h("div", { class: "stage-path" }, nodes.element, canvas, banner), legend, figure);
  const crowd = new Crowd(canvas, nodes, (text) => say(legend, text));
  mountFigure(figure, lab, chain.slice(1), history);
  const follow = () => (isOnStage() ? crowd.start() : crowd.stop());
  document.addEventListener("stage", follow);
  onKey("s", () => setStage(!isOnStage()), "The stage, and back");
  lab.subscribe(({ state, answering }) => {
    if (!state) return;
    say(sentence, state.sentence.replace(UNITS, "\u00a0"));
    nodes.show(state, answering);
  });
  announceSteps(banner, lab);
  lendTheCliff(figure);
  follow();
}

/** G shows the cliff in the place of the chart, while there is one. It is the page's own, lent to the stage. */
function lendTheCliff(figure) {
  const cliff = document.getElementById("cliff");
  const home = document.createComment("");
  let isWanted = false;
  cliff.before(home);
  const place = () => {
    const isThere = isWanted && isOnStage();
    figure.classList.toggle("has-cliff", isThere);
    if (isThere) figure.append(cliff);
    else home.after(cliff);
  };
  document.addEventListener("stage", place);
  onKey("g", () => {
    if (!isOnStage()) cliff.scrollIntoView({ block: "center" });
    else if (cliff.hidden) tell("info", "No scene with a cliff is on.");
    else {
      isWanted = !isWanted;
      place();
    }
  }, "The cliff, and back to the chart");
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
