/** What users feel, in numerals for the back row. */

import { h, say, set } from "../../lib/dom.js";
import { mb, percent, rate, secondsParts } from "../../lib/format.js";

const FLAGS = { warning: "▲ high", error: "✕ bad" };

/**
 * Each tile: its name, [numeral, unit] and level, from the state. The thresholds are those of the status.
 * @type {{name: string, of: (state: any) => {value: [string, string], level?: string, flag?: string, share?: number}}[]}
 */
const TILES = [
  {
    name: "Success",
    of: ({ kpis }) => {
      const share = kpis.success_ratio;
      const level = share == null ? "" : share < 0.9 ? "error" : share < 0.99 ? "warning" : "";
      return { value: [percent(share), "%"], level, flag: level === "error" ? "✕ below 90 %" : "▲ below 99 %" };
    },
  },
  {
    name: "p50: half within",
    of: ({ kpis }) => ({ value: secondsParts(kpis.p50_seconds), level: slow(kpis.p50_seconds), flag: "▲ slow" }),
  },
  {
    name: "p95: 95 % within",
    of: ({ kpis }) => ({ value: secondsParts(kpis.p95_seconds), level: slow(kpis.p95_seconds), flag: "▲ slow" }),
  },
  {
    name: "Served of offered",
    of: ({ kpis, traffic }) => {
      if (!traffic) return { value: ["–", ""] };
      if (!traffic.rps) return { value: ["0", "users"] };
      const behind = kpis.offered_rps > 1 && kpis.served_rps < 0.9 * kpis.offered_rps && kpis.success_ratio < 0.9;
      return {
        value: [rate(kpis.served_rps), `of ${rate(kpis.offered_rps)} /s`],
        level: behind ? "error" : "",
        flag: "✕ behind",
      };
    },
  },
  {
    name: "Attempts a request",
    of: ({ kpis, services }) => {
      const attempts = kpis.attempts_per_request;
      const level = !mayRetry(services) ? "" : attempts > 1.5 ? "error" : attempts > 1.15 ? "warning" : "";
      return { value: [attempts == null ? "–" : attempts.toFixed(1), ""], level, flag: level === "error" ? "✕ storm" : "▲ retries" };
    },
  },
  {
    name: "Memory of api",
    of: ({ services }) => {
      const { up, rss_bytes: used, memory_limit_bytes: limit } = services.api;
      const share = limit ? used / limit : 0;
      const level = share >= 0.9 ? "error" : share >= 0.75 ? "warning" : "";
      if (!up) return { value: [mb(used), "MB"], level: "error", flag: "✕ no answer", share };
      return { value: [mb(used), limit ? `of ${mb(limit)} MB` : "MB"], level, flag: `${FLAGS[level]?.slice(0, 1)} ${Math.round(share * 100)} %`, share };
    },
  },
];

/** Whether any service tries more than once; while queues grow, calls outnumber the answers without a retry. */
export function mayRetry(services) {
  return Object.values(services).some(({ active }) => active.setting.client?.attempts > 1);
}

const slow = (value) => (value >= 1 ? "warning" : "");

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
