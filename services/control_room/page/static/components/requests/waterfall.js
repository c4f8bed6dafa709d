/** Where the time of one test request went: hop by hop, with every attempt. */

import { dialog, h, icon } from "../../lib/dom.js";
import { seconds } from "../../lib/format.js";

const OUTCOMES = {
  ok: "answered",
  timeout: "no answer in time",
  refused: "refused",
  rejected: "not sent: held back by the caller",
  error: "failed",
};

/** Reasons of the lab's own problems, in words; PEER is whom the hop asked last. */
const REASONS = {
  timeout: "the user's patience ended",
  refused: "nobody listens there",
  connection_broken: "the connection broke",
  peer_timeout: "PEER did not answer in time",
  peer_refused: "PEER refused the work",
  peer_error: "PEER failed",
  pool_timeout: "no connection of the pool came free in time",
  queue_full: "its queue is full",
  shed: "it sheds load",
  breaker_open: "its circuit breaker is open",
  no_instance: "its defences leave no instance to ask",
  starting: "it has been started again, and does not serve yet",
  error_rate: "an injected error",
  outage: "it refuses all work",
  reset: "the lab was reset meanwhile",
};

/** Why a hop failed. @param {string | null} reason @param {any} [hop] */
export function reasonInWords(reason, hop) {
  const last = hop?.attempts.at(-1);
  const words = reason ? (REASONS[reason] ?? reason.replaceAll("_", " ")) : "no answer";
  return words.replace("PEER", last?.instance ?? last?.peer ?? "the service behind it");
}

/** The hop at which it went wrong: the deepest that says so. */
export function failedHop(result) {
  return result.ok ? undefined : result.hops.findLast((hop) => hop.status >= 500);
}

/** Open the waterfall of a result of POST /api/requests. */
export function showWaterfall(result, level) {
  const starts = result.hops.map((hop) => hop.started_at - hop.queue_seconds);
  const zero = starts.length ? Math.min(...starts) : 0;
  const total = Math.max(result.seconds, ...result.hops.map((hop) => hop.started_at + hop.seconds - zero), 0.001);
  const bad = failedHop(result);
  const sum = result.ok ? `Answered after ${seconds(result.seconds)}` : `Failed after ${seconds(result.seconds)}: ${reasonInWords(result.reason, result.hops[0])}`;
  dialog(
    "Where the time went",
    h("p", { class: `fall-sum ${level}` }, icon(level), h("span", {}, sum)),
    h("p", { class: "soft" }, `Request ${result.request_id}: find it under this name in every service's log.`),
    h("div", { class: "waterfall" }, ...result.hops.flatMap((hop) => hopRows(hop, zero, total, hop === bad)), lastWord(result)),
    h("div", { class: "fall-scale soft" }, h("span", {}, "0"), h("span", {}, seconds(total / 2)), h("span", {}, seconds(total))),
    h(
      "ul",
      { class: "fall-key" },
      key("queue", "in a queue before its handler"),
      key("own", "its own work"),
      key("inside", "waiting for the service behind it"),
      key("good", "an attempt that was answered"),
      key("error", "an attempt that failed"),
    ),
  );
}

function key(look, text) {
  return h("li", {}, h("span", { class: `fall-bar ${look}`, "aria-hidden": "true" }), text);
}

function hopRows(hop, zero, total, isBad) {
  const start = hop.started_at - zero;
  const inside = hop.attempts.reduce((sum, attempt) => sum + attempt.seconds, 0);
  const own = Math.max(0, hop.seconds - inside);
  const failed = hop.status >= 500;
  const why = `${isBad ? "failed here" : "passed the failure on"}: ${reasonInWords(hop.reason, hop)}`;
  return [
    row(
      h(
        "div",
        { class: "fall-who" },
        h("b", { class: failed ? "error" : "good" }, icon(failed ? "error" : "good"), h("span", {}, hop.instance ?? hop.service), h("small", { class: "soft" }, `queue ${seconds(hop.queue_seconds)}, own ${seconds(own)}`)),
        failed && h("span", { class: isBad ? "error" : "soft" }, why),
      ),
      track(
        "",
        bar("queue", start - hop.queue_seconds, hop.queue_seconds, total),
        bar("own", start, hop.seconds, total),
        ...hop.attempts.map((attempt) => bar("inside", attempt.started_at - zero, attempt.seconds, total)),
      ),
    ),
    ...hop.attempts.map((attempt, index) => attemptRow(attempt, index, hop.attempts.length, zero, total)),
  ];
}

function attemptRow(attempt, index, count, zero, total) {
  const level = attempt.outcome === "ok" ? "good" : "error";
  const number = count > 1 ? `${index + 1} of ${count}` : "call";
  const says = attempt.reason && attempt.outcome !== "timeout" && attempt.reason !== attempt.outcome;
  const what = says ? reasonInWords(attempt.reason) : (OUTCOMES[attempt.outcome] ?? attempt.outcome);
  return row(
    h(
      "div",
      { class: `fall-attempt ${level}` },
      icon(level),
      h("span", {}, `${number} to ${attempt.instance ?? attempt.peer}, ${seconds(attempt.seconds)}: ${what}`),
    ),
    track("thin", bar(level, attempt.started_at - zero, attempt.seconds, total)),
  );
}

function lastWord(result) {
  if (!result.hops.length) return h("p", {}, "No answer came back, so what happened inside is not known.");
  const silent = result.hops.at(-1).attempts.find((attempt) => attempt.outcome === "timeout");
  return silent ? h("p", {}, `${silent.instance ?? silent.peer} did not answer in time: what it did is not known here. It may still be at work.`) : null;
}

function row(who, drawn) {
  return h("div", { class: "fall-row" }, who, drawn);
}

function track(look, ...bars) {
  return h("div", { class: `fall-track ${look}`, "aria-hidden": "true" }, ...bars);
}

function bar(look, start, length, total) {
  if (length <= 0) return null;
  const made = h("span", { class: `fall-bar ${look}` });
  made.style.left = `${Math.max(0, (start / total) * 100)}%`;
  made.style.width = `${(length / total) * 100}%`;
  return made;
}
