/** The report: what was played as a post-mortem in Markdown, saved by the browser. */

import { getFile } from "./api.js";
import { busy } from "./commands.js";
import { h, icon } from "./dom.js";

const KEEP_MS = 60_000; // some browsers read it when the person has chosen where it goes

export async function saveReport() {
  const address = URL.createObjectURL(await getFile("/api/report"));
  h("a", { href: address, download: "report.md" }).click();
  setTimeout(() => URL.revokeObjectURL(address), KEEP_MS);
}

/** A button that saves it. @param {string} look the classes of the button */
export function reportButton(look) {
  const button = h("button", { type: "button", class: look, onclick: () => busy(button, saveReport) }, icon("save"), "Report");
  return button;
}
