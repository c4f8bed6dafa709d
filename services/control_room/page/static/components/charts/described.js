/** What each chart shows, by its name; a scene's file says which of them the stage draws. */

import { MB, percent } from "../../lib/format.js";

const whole = (value) => String(Math.round(value));
const asSeconds = (value) => `${value.toFixed(value < 1 ? 3 : 1)} s`;
const aSecond = (value) => value.toFixed(value < 10 ? 1 : 0);
const FAR_ABOVE = 4;
const LOOKS_OF_SERVICES = [["--info", []], ["--warning", [8, 5]], ["--good", [2, 4]], ["--soft", [10, 3, 2, 3]]];

/**
 * Colours are told apart by the dashes, too. A series is its label, a function of the history, colour and dashes.
 * @typedef {{title: string, unit: string, range?: [number, number], show: (value: number) => string, series: [string, (history: any) => (number | null)[], string, number[]][]}} Described
 */

const column = (name, factor) => (history) => history.column(name, factor);
const limitOf = (history) => history.points.map(() => (history.limit ? history.limit / MB : null));

/** What can be done, where it is near what is asked for: far above, it would flatten all other lines. */
const capacityOf = (calls) => (history) => {
  const most = FAR_ABOVE * Math.max(1, ...history.column(`${calls}_calls_rps`), ...history.column("offered_rps"));
  return history.column(`${calls}_capacity_rps`).map((capacity) => (capacity > most ? null : capacity));
};

/** A load against what can be done: what comes, what that becomes, and what gets through. */
const load = (title, calls) => ({
  title,
  unit: "/s",
  show: aSecond,
  series: [
    ["gets", column(`${calls}_calls_rps`), "--warning", []],
    ["can do", capacityOf(calls), "--error", [10, 6]],
    ["users", column("offered_rps"), "--soft", [3, 5]],
    ["served", column("served_rps"), "--good", []],
  ],
});

const ofServices = (title, what, services) => ({
  title,
  unit: "",
  show: whole,
  series: services.map(({ name }, index) => [name, column(`${name}_${what}`), ...LOOKS_OF_SERVICES[index % LOOKS_OF_SERVICES.length]]),
});

/** Requests in flight are arrivals a second times seconds that each stays (Little 1961). */
function littlesLaw(history) {
  const waits = history.column("p50_seconds");
  return history.column("offered_rps").map((rate, index) => (rate == null || waits[index] == null ? null : rate * waits[index]));
}

const memory = {
  title: "Memory of api",
  unit: "MB",
  show: (value) => `${whole(value)} MB`,
  series: [
    ["resident", column("api_rss_bytes", 1 / MB), "--info", []],
    ["limit", limitOf, "--error", [8, 5]],
  ],
};

/**
 * All charts, by name.
 * @param {import("../../lib/topology.js").Service[]} services those that a request passes
 * @returns {Record<string, Described>}
 */
export function chartsOf(services) {
  return {
    success: {
      title: "Success of users",
      unit: "%",
      range: [0, 100],
      show: (value) => `${percent(value / 100)} %`,
      series: [["success", column("success_ratio", 100), "--good", []]],
    },
    wait: {
      title: "Time that users wait",
      unit: "s",
      show: asSeconds,
      series: [
        ["half within", column("p50_seconds"), "--info", []],
        ["95 % within", column("p95_seconds"), "--warning", [8, 5]],
      ],
    },
    served: {
      title: "Requests a second",
      unit: "/s",
      show: aSecond,
      series: [
        ["offered", column("offered_rps"), "--soft", [8, 5]],
        ["served", column("served_rps"), "--good", []],
      ],
    },
    memory,
    staircase: memory,
    threads: ofServices("Threads busy", "busy", services),
    queue: ofServices("Waiting in queues", "queue", services),
    littles_law: {
      title: "Little's law",
      unit: "",
      show: aSecond,
      series: [
        ["in flight", column("in_flight"), "--info", []],
        ["users a second × wait", littlesLaw, "--warning", [8, 5]],
      ],
    },
    ...Object.fromEntries(services.slice(1).map(({ name }) => [`${name}_load`, load(`Load of the ${name}`, name)])),
  };
}

/** Those of the normal page, in its order. */
export const SHOWN = ["success", "wait", "served", "memory", "threads", "queue"];
