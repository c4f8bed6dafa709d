/** What can be done from the keyboard as well as by buttons, and the short word that it gets for an answer. */

import { post, Refused, NoAnswer } from "./api.js";
import { h, icon } from "./dom.js";
import { setStage } from "./mode.js";

const SHOWN_MS = { good: 5000, info: 5000, warning: 9000, error: 15000 };
const MOST = 3;

/** @type {Record<string, () => void>} */
const keys = {};

/** @typedef {{title: string, action: () => unknown, key?: string}} Command */
/** @type {((query: string) => Command[])[]} */
const offers = [];

/** Let a key of the keyboard do something; with a title the command palette finds it, too. */
export function onKey(key, action, title) {
  keys[key] = action;
  if (title) offer(() => [{ title, action, key }]);
}

/** Let the command palette find these; what was typed may be part of one. */
export function offer(commands) {
  offers.push(commands);
}

/** Every command that there is now. */
export function findCommands(query) {
  return offers.flatMap((commands) => commands(query));
}

/** Do what a key does. */
export function press(key) {
  keys[key]?.();
}

const TEXT_FIELDS = "input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, [contenteditable]";

/** Listen to the keyboard, whatever has the focus but a text field; Escape leaves those. An open dialog makes way. */
export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.closest(TEXT_FIELDS)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const action = keys[event.key] ?? keys[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    document.querySelectorAll("dialog[open]").forEach((open) => open.close());
    action();
  });
}

/** Leave a text field, so that the keys work again: what was typed has been taken. */
export function leaveField() {
  if (document.activeElement?.closest(TEXT_FIELDS)) document.activeElement.blur();
}

let told;

/** Say something for a few seconds in the corner; screen readers hear it. */
export function tell(level, text) {
  told ??= document.body.appendChild(h("div", { class: "told", role: "status", "aria-live": "polite" }));
  const close = h("button", { type: "button", class: "button plain", "aria-label": "Dismiss", onclick: () => one.remove() }, "✕");
  const one = h("div", { class: `told-one ${level}`, "data-level": level }, icon(level), h("span", {}, text), close);
  told.append(one);
  while (told.children.length > MOST) told.firstChild.remove();
  setTimeout(() => one.remove(), SHOWN_MS[level]);
}

/** What went wrong, in a sentence. */
export function inWords(error) {
  if (error instanceof NoAnswer) return "The control room does not answer: whether anything has changed is not known.";
  if (error instanceof Refused) return `Refused: ${error.message}`;
  console.error(error);
  return `The page failed: ${error.message}`;
}

/**
 * Run an action with its button busy meanwhile; a second press waits for the first.
 * @template T
 * @param {HTMLElement} button
 * @param {() => Promise<T>} action
 */
export async function busy(button, action) {
  if (button.getAttribute("aria-disabled") === "true") return undefined;
  button.setAttribute("aria-disabled", "true");
  try {
    return await action();
  } catch (error) {
    tell("error", inWords(error));
    return undefined;
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/** @param {import("./lab.js").Lab} lab */
export async function reset(lab) {
  const result = await post("/api/reset");
  const fine = result.status === "GREEN";
  tell(fine ? "good" : "error", `Reset: ${result.status} after ${result.seconds.toFixed(1)} s. ${result.steps.join("; ")}`);
  await lab.refresh();
}

/** The whole screen, which is the stage, or back. */
export function fullScreen() {
  if (!document.fullscreenElement) setStage(true);
  const change = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.();
  change?.catch(() => tell("warning", "This browser does not let the page fill the screen: use its own key, mostly F11."));
}

const THEMES = ["", "dark", "light"];
const THEME_KEY = "lab-theme";

/** As the system likes it, dark, light. */
export function nextTheme() {
  const theme = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme ?? "") + 1) % THEMES.length];
  localStorage.setItem(THEME_KEY, theme);
  takeTheme();
  tell("info", theme ? `The ${theme} theme` : "The theme that the system asks for");
}

/** Take up the theme that was chosen before. */
export function takeTheme() {
  const theme = localStorage.getItem(THEME_KEY) ?? "";
  if (THEMES.includes(theme) && theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  document.dispatchEvent(new Event("theme"));
}
