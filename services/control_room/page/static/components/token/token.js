/** Asks for LAB_TOKEN when a change is refused without it. It stays in this tab, and never in an address. */

import { onTokenNeeded } from "../../lib/api.js";
import { dialog, h } from "../../lib/dom.js";

let asking = null;

/** Be asked whenever the control room wants a token. */
export function mountToken() {
  onTokenNeeded((message) => (asking ??= ask(message).finally(() => (asking = null))));
}

/** @param {string} message @returns {Promise<string | null>} */
function ask(message) {
  return new Promise((resolve) => {
    let given = null;
    const field = h("input", { id: "token", type: "password", autocomplete: "off", required: true, pattern: "[ -~]*", title: "letters, digits and signs of ASCII", "aria-describedby": "token-why" });
    const form = h(
      "form",
      {
        onsubmit: (event) => {
          event.preventDefault();
          given = field.value.trim() || null;
          shown.close();
        },
      },
      h("p", { id: "token-why" }, `${message} Whoever started the lab has set it as LAB_TOKEN. Looking needs none.`),
      h("div", { class: "form-row" }, h("label", { for: "token" }, "Token"), field),
      h("button", { type: "submit", class: "button strong" }, "Use this token"),
    );
    const shown = dialog("A token is needed", form);
    shown.classList.add("small");
    shown.addEventListener("close", () => resolve(given));
    field.focus();
  });
}
