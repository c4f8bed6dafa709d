/** What users feel, in numerals for the back row. */

import { h, say, set } from "../../lib/dom.js";
import { mb, percent, rate, secondsParts } from "../../lib/format.js";

const LEVELS = ["", "warning", "error"]; // of the control room: ok, strained, failing

/**
 * Each tile: its name, [numeral, unit], level and flag, from the state. The control room decides the levels.
 * @type {{name: string, of: (state: any) => {value: [string, string], level?: string, flag?: string, share?: number}}[]}
 */
const TILES = [
  {
    name: "Success",
    of: ({ kpis, kpi_levels: levels }) => {
      const level = LEVELS[levels.success_ratio];
      return { value: [percent(kpis.success_ratio), "%"], level, flag: level === "error" ? "✕ below 90 %" : "▲ below 99 %" };
    },
  },
  { name: "p50: half within", of: (state) => waited(state, "p50_seconds") },
  { name: "p95: 95 % within", of: (state) => waited(state, "p95_seconds") },
  {
    name: "Served of offered",
    of: ({ kpis, kpi_levels: levels, traffic }) => {
      if (!traffic) return { value: ["–", ""] };
      if (!traffic.rps) return { value: ["0", "users"] };
      return { value: [rate(kpis.served_rps), `of ${rate(kpis.offered_rps)} /s`], level: LEVELS[levels.served_rps], flag: "✕ behind" };
    },
  },
  {
    name: "Attempts each",
    of: ({ kpis, kpi_levels: levels, cascade }) => {
      const attempts = kpis.attempts_per_request;
      if (attempts == null) return { value: ["–", ""] };
      if (cascade.attempts_allowed === 1) return { value: ["1", "no retries"] };
      const level = LEVELS[levels.attempts_per_request];
      return { value: [attempts.toFixed(1), `of ${cascade.attempts_allowed}`], level, flag: level === "error" ? "✕ storm" : "▲ retries" };
    },
  },
  {
    name: "Memory of api",
    of: ({ services }) => {
      const { up, rss_bytes: used, memory_limit_bytes: limit, memory_share: share, health } = services.api;
      if (!up && health.problems.down) return { value: [mb(used), "MB"], level: "error", flag: "✕ no answer" };
      const level = LEVELS[health.problems.memory ?? 0];
      const flag = `${level === "error" ? "✕" : "▲"} ${Math.round((share ?? 0) * 100)} %`;
      return { value: [mb(used), limit ? `of ${mb(limit)} MB` : "MB"], level, flag, share: share ?? 0 };
    },
  },
];

function waited({ kpis, kpi_levels: levels }, name) {
  return { value: secondsParts(kpis[name]), level: LEVELS[levels[name]], flag: "▲ slow" };
}

/** @param {HTMLElement} root @param {import("../../lib/lab.js").Lab} lab */
export function mountKpis(root, lab) {
  const list = h("dl", { class: "kpis" });
  root.classList.remove("kpis");
  root.append(list);
  const tiles = TILES.map(({ name, of }) => {
    const flag = h("span", { class: "kpi-flag" });
    const numeral = h("span", {}, "–");
    const unit = h("span", { class: "kpi-unit" });
    const fill = h("i");
    const tile = h(
      "div",
      { class: "kpi" },
      h("dt", { class: "kpi-name" }, h("span", {}, name), flag),
      h("dd", { class: "kpi-value" }, numeral, unit),
    );
    list.append(tile);
    if (name.startsWith("Memory")) tile.append(h("div", { class: "kpi-bar", "aria-hidden": "true" }, fill));
    return { of, tile, flag, numeral, unit, fill };
  });
  lab.subscribe(({ state }) => {
    if (!state) return;
    for (const { of, tile, flag, numeral, unit, fill } of tiles) {
      const { value, level = "", flag: flagText = "", share = 0 } = of(state);
      say(numeral, value[0]);
      say(unit, value[1]);
      set(tile, "data-level", level || null);
      say(flag, level ? flagText : "");
      set(flag, "class", `kpi-flag ${level}`);
      fill.style.transform = `scaleX(${Math.min(1, share).toFixed(3)})`;
    }
  });
}
