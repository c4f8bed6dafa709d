/** The teams of a drill: who has said what and, when it is over, their points. */

import { h, icon } from "../../lib/dom.js";
import { seconds } from "../../lib/format.js";

const SHAPES = { watching: "pending", "incident declared": "warning", diagnosed: "good" };

/** @param {any} drill as in GET /api/room @returns {any} the board as an element, or null where nobody plays */
export function boardOf(drill) {
  const { teams } = drill;
  if (!teams) return h("p", { class: "soft" }, "The board is hidden.");
  if (!teams.length) return null;
  const isOver = drill.phase === "ended";
  const heads = ["Team", "Now", "Wrong", "Hints", ...(isOver ? ["Noticed", "Named", "Points"] : [])];
  const look = (index) => (index > 1 && index < 6 ? "drill-more" : null); // a phone has no room for them
  const rows = teams.map((team) => {
    const state = h("span", { class: `drill-state ${SHAPES[team.state]}` }, icon(SHAPES[team.state]), team.state);
    const measured = isOver ? [seconds(team.detect_seconds), seconds(team.diagnose_seconds), h("b", {}, String(team.points))] : [];
    return h("tr", {}, h("th", { scope: "row" }, team.team), ...[state, String(team.wrong), String(team.hints), ...measured].map((cell, index) => h("td", { class: look(index + 1) }, cell)));
  });
  const head = h("tr", {}, ...heads.map((text, index) => h("th", { scope: "col", class: look(index) }, text)));
  const frozen = drill.board === "frozen" && h("caption", {}, "Frozen: as it was a while ago");
  return h("table", { class: "drill-board" }, frozen, h("thead", {}, head), h("tbody", {}, ...rows));
}
