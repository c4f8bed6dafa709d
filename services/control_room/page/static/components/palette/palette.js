/** The command palette: every command of the page, found by typing a few letters of it. */

import { findCommands, inWords, offer, onKey, tell } from "../../lib/commands.js";
import { dialog, h, set } from "../../lib/dom.js";
import { ranked } from "./ranking.js";

const SHOWN = 10;

/** Open it with / anywhere but in a text field, and with Ctrl-K everywhere. */
export function mountPalette() {
  onKey("/", open);
  offer(() => [{ title: "Workshop: the plan, what to say, the clock, for you alone", action: () => void window.open("/presenter") }]);
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    open();
  });
}

function open() {
  document.querySelectorAll("dialog[open]").forEach((other) => other.close());
  new Palette();
}

class Palette {
  constructor() {
    this.list = h("ul", { class: "palette-list", role: "listbox", id: "palette-list", "aria-label": "Commands" });
    this.note = h("p", { class: "soft", role: "status" });
    this.input = h("input", {
      type: "text",
      class: "palette-field",
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "A scene, a switch, 20 users, reset …",
      "aria-label": "Command",
      "aria-autocomplete": "list",
      "aria-expanded": "true",
      "aria-controls": this.list.id,
      oninput: () => this.find(),
      onkeydown: (event) => this.key(event),
    });
    this.dialog = dialog("Commands", this.input, this.note, this.list);
    this.dialog.classList.add("palette");
    this.input.focus();
    this.find();
  }

  find() {
    const query = this.input.value;
    const { found, isExact } = ranked(query, findCommands(query));
    this.found = found.slice(0, SHOWN);
    this.note.textContent = isExact ? "" : this.found.length ? "Nothing is called so. Did you mean:" : "Nothing is called so.";
    this.note.hidden = isExact;
    this.options = this.found.map(({ title, key }, index) =>
      h(
        "li",
        { role: "option", id: `palette-${index}`, class: "palette-option", onclick: () => this.run(index) },
        h("span", {}, title),
        key && h("kbd", { class: "key" }, key.toUpperCase()),
      ),
    );
    this.list.replaceChildren(...this.options);
    this.choose(0);
  }

  choose(index) {
    const count = this.options.length;
    this.chosen = count ? (index + count) % count : 0;
    this.options.forEach((option, each) => set(option, "aria-selected", String(each === this.chosen)));
    set(this.input, "aria-activedescendant", count ? this.options[this.chosen].id : null);
    this.options[this.chosen]?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.choose(this.chosen + step);
    else if (event.key === "Enter") this.run(this.chosen);
    else return;
    event.preventDefault();
  }

  async run(index) {
    const command = this.found[index];
    if (!command) return;
    this.dialog.close();
    try {
      await command.action();
    } catch (error) {
      tell("error", inWords(error));
    }
  }
}
