/** The status light with its reasons, and the buttons that must always be in reach. */

import { busy, fullScreen, nextTheme, offer, onKey, reset } from "../../lib/commands.js";
import { h, icon, say, set, setIcon } from "../../lib/dom.js";
import { clock } from "../../lib/format.js";
import { isViewer } from "../../lib/view.js";
import { showHelp } from "../help/help.js";

const MENDED_SECONDS = 15; // a crash loop's longest pause, and a start
const LEVELS = { GREEN: "good", YELLOW: "warning", RED: "error" };

/**
 * @param {HTMLElement} root
 * @param {HTMLElement} banners
 * @param {import("../../lib/lab.js").Lab} lab
 */
export function mountStatus(root, banners, lab) {
  const shape = h("span", { class: "light-shape" });
  const word = h("strong", { class: "light-word" }, "…");
  const reasons = h("ul", { class: "status-reasons" }, h("li", {}, "Asking the lab"));
  const scene = h("p", { class: "status-scene" });
  const resetButton = button("strong", "reset", "Reset", "r", () => busy(resetButton, () => reset(lab)));
  resetButton.querySelector("span").append(h("span", { class: "wide-only" }, " everything"));
  root.append(
    h("div", { class: "light", role: "status", "aria-label": "Status of the lab" }, shape, word),
    h("div", { class: "status-words" }, reasons, scene),
    h(
      "div",
      { class: "status-controls" },
      !isViewer && resetButton,
      h(
        "div",
        { class: "status-small" },
        button("plain wide-only", "theme", "", "", nextTheme, "Change the theme"),
        button("plain wide-only", "full", "", "", fullScreen, "Full screen"),
        button("plain", "help", "", "", showHelp, "Help and keys"),
      ),
    ),
  );
  if (isViewer) document.getElementById("main").prepend(h("p", { class: "soft" }, "You are watching: the presenter has the controls."));
  else onKey("r", () => resetButton.click(), "Reset everything");
  onKey("f", fullScreen, "Full screen, and back");
  onKey("?", showHelp, "Help: the keys");
  offer(() => [{ title: "Change the theme", action: nextTheme }]);
  lab.subscribe(({ state, answering }) => {
    const known = state && answering;
    const level = known ? LEVELS[state.status] : "unknown";
    set(root, "data-level", level);
    setIcon(shape, level);
    say(word, known ? state.status : "UNKNOWN");
    const told = known ? state.reasons : ["The control room does not answer"];
    sayLines(reasons, told.length > 2 ? [told[0], told.slice(1).join("; ")] : told);
    const silent = known ? silentServices(state) : [];
    say(scene, silent.length ? cureInWords(silent, state.services) : known ? sceneInWords(state) : "Everything below is how it was when it answered last");
    document.title = `${known ? state.status : "UNKNOWN"} · SRE failure lab`;
  });
  mountBanners(banners, lab);
}

function button(look, shape, text, key, action, label) {
  const made = h("button", { type: "button", class: `button ${look}`, onclick: action, "aria-label": label, title: label });
  made.append(icon(shape));
  if (text) made.append(h("span", {}, text));
  if (key) made.append(h("span", { class: "key", "aria-hidden": "true" }, key.toUpperCase()));
  if (key) made.setAttribute("aria-keyshortcuts", key);
  return made;
}

function sayLines(list, lines) {
  while (list.children.length > lines.length) list.lastChild.remove();
  lines.forEach((line, index) => {
    if (index >= list.children.length) list.append(h("li"));
    say(list.children[index], line.charAt(0).toUpperCase() + line.slice(1));
  });
}

function sceneInWords({ scene, drill }) {
  if (drill?.phase === "running") return `Drill, ${clock(drill.seconds)}: what is wrong is hidden`;
  if (!scene) return "No scene on stage";
  return `On stage: ${scene.title}, ${clock(scene.elapsed_seconds)}${scene.step ? `. Now: ${scene.step}` : ""}`;
}

/** The services that the lab itself has given up on; a collection may silence one for a moment. */
function silentServices(state) {
  return Object.keys(state.services).filter((name) => state.services[name].health.problems.down);
}

function cureInWords(silent, services) {
  const which = silent.length === 1 ? silent[0] : "SERVICE";
  const seconds = Math.max(...silent.map((name) => services[name].silent_seconds ?? 0));
  const told = seconds < MENDED_SECONDS ? "A crash mends itself in seconds." : `Down for ${Math.round(seconds)} s: this does not mend itself.`;
  return `${told} What was stopped from a terminal is healed there: ./scripts/lab infra heal ${which}`;
}

/** The control room is gone: said above everything else. */
function mountBanners(root, lab) {
  const gone = h("div", { class: "banner" }, icon("error"), h("span"));
  const retry = h("button", { type: "button", class: "button", onclick: () => lab.refresh() }, "Try now");
  gone.append(retry);
  root.append(gone);
  lab.subscribe(({ state, answering, at }) => {
    document.documentElement.classList.toggle("stale", !answering);
    gone.hidden = answering;
    if (!answering) {
      const since = state ? ` Its last answer is ${Math.round((performance.now() - at) / 1000)} s old.` : "";
      say(gone.querySelector("span"), `The control room does not answer.${since} The page keeps trying.`);
    }
  });
}
