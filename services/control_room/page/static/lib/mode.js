/** Whether the page is a stage: for a projector, large, with one sentence, the path and one chart. Begun by /stage, F or S. */

import { isViewer } from "./view.js";

const STAGE = "/stage";
const root = document.documentElement;

export const isOnStage = () => root.classList.contains("on-stage");

/** Go on stage, or leave it; a reload keeps to it. */
export function setStage(on) {
  root.classList.toggle("on-stage", on);
  if (!isViewer) history.replaceState(null, "", on ? STAGE : "/");
  document.dispatchEvent(new Event("stage"));
}

if (location.pathname === STAGE) root.classList.add("on-stage");
