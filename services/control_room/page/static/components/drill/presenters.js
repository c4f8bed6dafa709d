/** The drill on the presenter's own screen: started, ended, its board, and its secret where this page may have it. */

import { getWithToken, post } from "../../lib/api.js";
import { busy } from "../../lib/commands.js";
import { h, say } from "../../lib/dom.js";
import { clock } from "../../lib/format.js";
import { boardOf } from "./board.js";

const LEVELS = [["Level 1", 1], ["Level 2", 2], ["Level 3", 3], ["Any card", null]];
const BOARDS = [["open", "as it comes"], ["frozen", "frozen"], ["hidden", "hidden"]];
const ELSEWHERE = "Its secret is told by ./scripts/lab drill show on the lab's own machine, or here when the lab has a LAB_TOKEN.";

/** @param {HTMLElement} root @param {import("../../lib/lab.js").Lab} lab */
export function mountPresentersDrill(root, lab) {
  const title = h("h2", {}, "Drill");
  const buttons = h("div", { class: "bet-buttons" });
  const board = h("select", { id: "drill-board", onchange: () => act({ action: "board", board: board.value }) }, ...BOARDS.map(([value, text]) => h("option", { value }, text)));
  const boardRow = h("div", { class: "form-row" }, h("label", { for: "drill-board" }, "The room sees the board"), board);
  const secret = h("div", { class: "drill-result" });
  const rows = h("div");
  root.append(h("div", { class: "bet-head" }, title, buttons), boardRow, secret, rows);
  const act = (body) => post("/api/drill", body).then(() => lab.refresh());
  const button = (text, body) => {
    const made = h("button", { type: "button", class: "button", onclick: () => busy(made, () => act(body)) }, text);
    return made;
  };
  const starts = LEVELS.map(([text, level]) => button(text, { action: "start", ...(level && { level }) }));
  const end = button("End it", { action: "end" });
  let shown = null;

  lab.subscribe(async ({ state }) => {
    if (!state) return;
    const { drill } = state;
    const isRunning = drill?.phase === "running";
    say(title, isRunning ? `Drill, ${clock(drill.seconds)}` : "Start a drill");
    const wanted = isRunning ? [end] : starts;
    if (buttons.firstChild !== wanted[0]) buttons.replaceChildren(...wanted);
    boardRow.hidden = !drill;
    if (drill && document.activeElement !== board) board.value = drill.board;
    const found = drill && (await getWithToken("/api/drill").catch(() => null));
    const told = JSON.stringify(found ?? drill?.phase ?? null);
    if (told === shown) return;
    shown = told;
    secret.replaceChildren(...(!drill ? [] : found ? secretOf(found.drill) : isRunning ? [h("p", { class: "soft" }, ELSEWHERE)] : []));
    rows.replaceChildren(...[found && boardOf({ ...found.drill, board: "open" })].filter(Boolean));
  });
}

/** What it is, and what helps. */
function secretOf({ secret, phase }) {
  const when = secret.fault_seconds == null ? `comes ${Math.round(secret.wait_seconds)} s after the start` : `came after ${Math.round(secret.fault_seconds)} s`;
  const well = secret.hurt_seconds == null ? "no users are hurt" : secret.mitigated_seconds == null ? "users are hurt" : "users are well again";
  return [
    h("p", {}, h("b", {}, `${secret.title}. `), `${secret.faults.join("; ")}: ${when}; ${well}${phase === "ended" ? "" : `; ${secret.users_lost} lost so far`}.`),
    h("p", {}, secret.mechanism),
    secret.cure.length > 0 && h("p", {}, h("b", {}, "One way out: "), secret.cure.join("; ")),
    h("ol", { class: "drill-hints" }, ...secret.hints.map((text) => h("li", {}, text))),
  ].filter(Boolean);
}
