/** What the keys do, for the person on stage. */

import { dialog, h } from "../../lib/dom.js";
import { isViewer } from "../../lib/view.js";

const PRESENTERS_KEYS = [
  ["N", "Next: start the scene that is shown, then show the one after it"],
  ["1 … 9", "Show a scene; Enter starts it"],
  ["E", "Show what a scene expects before its time, or leave it to come"],
  ["T", "One test request; a scene that waits for it takes it up"],
  ["C", "Compare: the scene twice for the same users, the second time with a defence"],
  ["G", "The cliff: at which load the scene recovers; on the stage in the place of the chart"],
  ["W", "Where the time of the last test request went"],
  ["/", "Find any command: scenes, switches, traffic; Ctrl-K, too"],
  ["B", "The bet of the scene: let the room vote, close, reveal"],
  ["D", "A drill: start one; put away what it was"],
  ["R", "Reset everything: healthy within 3 seconds"],
];
const KEYS = [
  ...(isViewer ? [["1 … 9", "Show a scene"]] : PRESENTERS_KEYS),
  ["S", "The stage: one sentence, the path, one chart; and back"],
  ["F", "The stage on the full screen, and back"],
  ["Q", "The link for the room, as a QR code"],
  ["L", "Pause the activity log, and go on"],
  ["?", "This help"],
  ["Esc", "Leave a field, close what is open"],
];

/** Open the overlay. */
export function showHelp() {
  const list = h("dl", { class: "help-list" });
  for (const [key, what] of KEYS) list.append(h("dt", {}, h("kbd", { class: "key" }, key)), h("dd", {}, what));
  const note = "Keys work whatever has the focus, but for text fields: Enter or Esc leaves those.";
  if (isViewer) {
    dialog("Keys", list, h("p", { class: "soft" }, note));
    return;
  }
  const view = new URL("/view", location.href).href;
  dialog(
    "Keys for the stage",
    list,
    h("p", { class: "soft" }, `${note} If this page is ever in your way: ./scripts/lab reset in a terminal does the same as R.`),
    h("p", {}, "For the room, to see all, vote on bets and change nothing: ", h("a", { href: view, target: "_blank" }, view)),
    h("p", {}, "For you alone: the workshop with its clock, notes, and votes before the room sees them: ", h("a", { href: "/presenter", target: "_blank" }, "/presenter")),
  );
}
