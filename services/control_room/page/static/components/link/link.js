/** The link for the room as a QR code, big enough for the back row; or why there is none. */

import { get } from "../../lib/api.js";
import { inWords, onKey, tell } from "../../lib/commands.js";
import { dialog, h } from "../../lib/dom.js";

/** Let Q show it. */
export function mountLink() {
  onKey("q", () => showLink().catch((error) => tell("error", inWords(error))), "The link for the room, as a QR code");
}

async function showLink() {
  const { url, reason } = await get("/api/link");
  if (!url) {
    dialog("The link for the room", h("p", { class: "link-reason" }, reason));
    return;
  }
  dialog(
    "The link for the room",
    h("img", { class: "link-code", src: "/qr.svg", alt: `QR code of ${url}` }),
    h("p", { class: "link-address" }, h("a", { href: url }, url)),
    h("p", { class: "link-reason soft" }, "It shows everything, and changes nothing."),
  );
}
