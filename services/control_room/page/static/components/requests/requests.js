/** Test requests: send one or ten, and see what became of each. */

import { testRequests } from "../../lib/api.js";
import { busy, onKey, tell } from "../../lib/commands.js";
import { h, icon, say } from "../../lib/dom.js";
import { seconds } from "../../lib/format.js";
import { outcomeOf } from "../path/path.js";
import { failedHop, reasonInWords, showWaterfall } from "./waterfall.js";

const KEPT = 12;
const WORDS = { good: "fine", warning: "slow", error: "failed" };

/**
 * @param {HTMLElement} root
 * @param {import("../../lib/lab.js").Lab} lab
 * @param {{testStarts: () => void, testEnds: (result: any) => void, stopTest: () => void}} path
 */
export function mountRequests(root, lab, path) {
  const hint = h("p", { class: "soft" }, "Each result opens its waterfall: the time at every hop, retries, and where it failed.");
  const chips = h("ul", { class: "chips", "aria-label": "Results, newest first" });
  const spoken = h("p", { class: "sr", role: "status" });
  const send = (count, button) => busy(button, () => run(count));
  const one = h("button", { type: "button", class: "button", "aria-keyshortcuts": "t", onclick: () => send(1, one) }, icon("send"), h("span", {}, "Test single request"), h("span", { class: "key", "aria-hidden": "true" }, "T"));
  const ten = h("button", { type: "button", class: "button", "aria-label": "×10 test requests", onclick: () => send(10, ten) }, "×10");
  root.append(h("div", { class: "requests-buttons" }, one, ten), hint, chips, spoken);

  async function run(count) {
    let left = count;
    const { element, stop } = waitingChip();
    chips.prepend(h("li", {}, element));
    path.testStarts();
    try {
      await testRequests(count, (result) => {
        left -= 1;
        hint.hidden = true;
        const level = outcomeOf(result);
        element.parentElement.after(h("li", { class: level === "error" ? "chip-wide" : null }, resultChip(result, level)));
        while (chips.children.length > KEPT) chips.lastChild.remove();
        say(spoken, `Test request ${WORDS[level]}: ${seconds(result.seconds)}`);
        path.testEnds(result);
      });
    } finally {
      stop();
      element.parentElement.remove();
      if (left) path.stopTest();
      lab.refresh();
    }
  }

  onKey("t", () => one.click(), "Test request: send one");
  onKey("w", () => {
    const newest = chips.querySelector("button.chip");
    if (newest) newest.click();
    else tell("info", "No test request has come back yet: T sends one.");
  }, "Where the time of the last test request went");
}

function waitingChip() {
  const time = h("b", {}, "0 ms");
  const began = performance.now();
  const ticking = setInterval(() => say(time, seconds((performance.now() - began) / 1000)), 100);
  const element = h("div", { class: "chip waiting info" }, icon("clock"), time, h("span", {}, "on its way"));
  return { element, stop: () => clearInterval(ticking) };
}

function resultChip(result, level) {
  const hop = failedHop(result);
  const why = result.ok ? WORDS[level] : `${hop ? `at ${hop.service}: ` : ""}${reasonInWords(hop?.reason ?? result.reason, hop)}`;
  return h(
    "button",
    { type: "button", class: `chip ${level}`, title: `${why}: show where the time went`, onclick: () => showWaterfall(result, level) },
    icon(level),
    h("b", {}, seconds(result.seconds)),
    h("span", {}, level === "error" ? `failed ${why}` : why),
  );
}
