/** One bet as it is drawn: its options with their votes, and what the lab has measured. */

import { h, icon, say, set } from "../../lib/dom.js";

const LETTERS = "ABCDE";

export class Ballot {
  /** @param {any} bet as in GET /api/room @param {((key: string) => void) | null} choose what a press on an option does */
  constructor(bet, choose) {
    this.rows = bet.options.map((option, index) => new Row(option, LETTERS[index], choose && (() => choose(option.key))));
    this.results = h("ul", { class: "bet-results" });
    this.options = h("ol", { class: "bet-options" }, ...this.rows.map((row) => row.element));
  }

  /** @param {any} bet @param {string | null} [choice] what this device has chosen */
  show(bet, choice = null) {
    const totals = bet.counts?.map((counts) => Object.values(counts).reduce((sum, votes) => sum + votes, 0)) ?? [];
    for (const row of this.rows) row.show(bet, choice, totals);
    this.results.replaceChildren(...(bet.results ?? []).map((result) => resultLine(bet, result)));
  }
}

class Row {
  constructor(option, letter, press) {
    this.key = option.key;
    this.mark = h("span", { class: "bet-mark" });
    this.counts = h("span", { class: "bet-counts" });
    this.bars = h("span", { class: "bet-bars", "aria-hidden": "true" });
    const inside = [h("b", { class: "bet-letter" }, letter), h("span", { class: "bet-text" }, option.text), this.mark, this.counts, this.bars];
    this.button = press ? h("button", { type: "button", class: "bet-option", onclick: press }, ...inside) : h("div", { class: "bet-option" }, ...inside);
    this.element = h("li", {}, this.button);
  }

  show(bet, choice, totals) {
    const isChosen = choice === this.key;
    const isRight = bet.right?.includes(this.key) ?? false;
    if (this.button.tagName === "BUTTON") set(this.button, "aria-pressed", String(isChosen));
    this.button.classList.toggle("chosen", isChosen);
    this.button.classList.toggle("right", isRight);
    const words = [isRight && "right", isChosen && "your vote"].filter(Boolean).join(", ");
    if (this.mark.textContent !== words) this.mark.replaceChildren(...(words ? [icon(isRight ? "good" : "info"), words] : []));
    say(this.counts, bet.counts ? bet.counts.map((counts) => String(counts[this.key])).join(" → ") : "");
    const shares = (bet.counts ?? []).map((counts, round) => (totals[round] ? counts[this.key] / totals[round] : 0));
    while (this.bars.children.length > shares.length) this.bars.lastChild.remove();
    shares.forEach((share, round) => {
      const bar = this.bars.children[round] ?? this.bars.appendChild(h("i"));
      bar.style.transform = `scaleX(${share.toFixed(3)})`;
    });
  }
}

function resultLine(bet, result) {
  const letters = result.options.map((key) => LETTERS[bet.options.findIndex((option) => option.key === key)]);
  const whose = bet.results.length > 1 ? `${letters.join(", ")}: ` : "";
  const expected = result.expected && h("span", {}, "expected ", h("b", {}, result.expected));
  const measured = h("span", { class: result.measured ? "" : "soft" }, "measured ", h("b", {}, result.measured ?? "nothing yet"));
  const text = result.text.charAt(0).toUpperCase() + result.text.slice(1);
  return h("li", {}, h("span", {}, `${whose}${text}${result.with && `, with ${result.with}`}`), expected, measured);
}
