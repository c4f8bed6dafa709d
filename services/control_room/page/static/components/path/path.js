/** The path of a request, alive: the users, and every service that it passes. */

import { post } from "../../lib/api.js";
import { busy, inWords, leaveField, offer } from "../../lib/commands.js";
import { h, s, say, set } from "../../lib/dom.js";
import { mb, rate } from "../../lib/format.js";
import { answersOf, HEALTH } from "../../lib/reading.js";
import { isViewer } from "../../lib/view.js";
import { draw } from "./drawing.js";
import { Flow } from "./flow.js";

const USUAL_LOADS = [0, 4, 10, 20];
/** Where the tall drawing is; a phone that lies has room for the wide one. */
const NARROW = matchMedia("(max-width: 1099px) and (min-height: 501px), (max-width: 640px)");
const STEP_MS = 240;
const LIT_MS = 4500;
const SLOW_SECONDS = 1;
const MEMORY = ["", "warning", "error"];

/**
 * @param {HTMLElement} root
 * @param {import("../../lib/lab.js").Lab} lab
 * @param {import("../../lib/topology.js").Service[]} chain
 */
export function mountPath(root, lab, chain) {
  const title = root.querySelector("h2");
  const holder = h("div");
  const sentence = h("p", { class: "path-sentence" });
  title.classList.add("sr");
  root.append(h("div", { class: "panel-head" }, title, sentence, ...(isViewer ? [] : userControls(lab))), holder);
  const path = new Path(holder, chain);
  NARROW.addEventListener("change", () => path.rebuild());
  lab.subscribe(({ state, answering }) => {
    if (!state) return;
    say(sentence, state.sentence);
    path.show(state, answering);
  });
  return path;
}

/** How many users come: fewer, more, or a number. */
function userControls(lab) {
  const problem = h("p", { class: "path-error", role: "alert" });
  problem.hidden = true;
  const field = h("input", { type: "text", inputmode: "decimal", id: "rps", autocomplete: "off", "aria-describedby": "rps-error" });
  problem.id = "rps-error";
  let typed = false;
  const send = async (rps) => {
    problem.hidden = true;
    field.removeAttribute("aria-invalid");
    try {
      await post("/api/traffic", { rps });
      typed = false;
      leaveField();
    } catch (error) {
      problem.hidden = false;
      say(problem, inWords(error));
      field.setAttribute("aria-invalid", "true");
    }
    await lab.refresh();
  };
  offer((query) => trafficsOf(query).map((rps) => ({ title: `Traffic: ${rps} users a second`, action: () => post("/api/traffic", { rps }).then(() => lab.refresh()) })));
  const step = (by) => () => busy(field, () => send(Math.max(0, Math.round((lab.now.state?.traffic?.rps ?? 0) + by))));
  const asNumber = (text) => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text);
  field.addEventListener("input", () => {
    typed = true;
    apply.hidden = false;
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") busy(field, () => send(asNumber(field.value)));
    if (event.key === "Escape") typed = false;
  });
  const apply = h("button", { type: "button", class: "button", onclick: () => busy(field, () => send(asNumber(field.value))) }, "Set");
  apply.hidden = true;
  lab.subscribe(({ state }) => {
    apply.hidden = !typed;
    if (!typed && state?.traffic && document.activeElement !== field) field.value = String(state.traffic.rps);
  });
  return [
    h(
      "div",
      { class: "path-users" },
      h("label", { for: "rps" }, "Users a second"),
      h("button", { type: "button", class: "button", "aria-label": "One user a second fewer", onclick: step(-1) }, "−"),
      field,
      h("button", { type: "button", class: "button", "aria-label": "One user a second more", onclick: step(1) }, "+"),
      apply,
    ),
    problem,
  ];
}

/** The loads that the command palette offers: the number that was typed, or a few. */
function trafficsOf(query) {
  const typed = query.match(/\d+(\.\d+)?/)?.[0];
  return typed ? [Number(typed)] : USUAL_LOADS;
}

class Path {
  constructor(holder, chain) {
    this.holder = holder;
    this.chain = chain;
    this.rebuild();
  }

  rebuild() {
    this.flow?.stop();
    this.drawing = draw(this.chain, NARROW.matches);
    this.holder.replaceChildren(this.drawing.svg);
    this.flow = new Flow(this.drawing.flow);
    const [first, ...others] = this.drawing.edges;
    this.there = [first, ...others].map((edge) => this.flow.lane(...edge.there));
    this.served = this.flow.lane(...first.back, "good");
    this.failed = this.flow.lane(...first.back, "error");
    this.probe = s("g", { display: "none" }, s("circle", { class: "probe", r: 13 }), s("circle", { class: "probe-core", r: 6 }));
    this.drawing.svg.append(this.probe);
    if (this.state) this.show(this.state, this.answering);
  }

  show(state, answering) {
    this.state = state;
    this.answering = answering;
    for (const service of this.chain) this.showNode(service, state);
    this.showEdges(state, answering);
  }

  showNode({ name, meters }, state) {
    const node = this.drawing.nodes[name];
    const service = state.services[name];
    node.setHealth(HEALTH[service.health.level], service.health.word);
    node.setTags(state.tags[name]);
    for (const [instance, found] of Object.entries(service.instances ?? {})) node.showInstance(instance, instanceOf(found));
    for (const meter of meters) node.meters[meter].show(...METERS[meter](service, state));
  }

  showEdges({ kpis, services, cascade }, answering) {
    const { served, failed } = answersOf(kpis);
    const rates = this.chain.slice(0, -1).map(({ name }) => services[name].calls?.rps ?? 0);
    this.drawing.edges.forEach((edge, index) => {
      this.there[index].rate = answering ? rates[index] : 0;
      say(edge.rate, `${rate(rates[index])}/s`);
      say(edge.extra, this.chain[index + 1].asked_for);
    });
    this.served.rate = answering ? served : 0;
    this.failed.rate = answering ? failed : 0;
    const [first, second] = this.drawing.edges;
    say(first.good, served >= 0.05 ? `✓ ${rate(served)}/s` : "");
    say(first.bad, failed >= 0.05 ? `✕ ${rate(failed)}/s` : "");
    const attempts = kpis.attempts_per_request;
    if (cascade.attempts_allowed > 1 && attempts > 1.15 && rates[1] > 1.15 * rates[2]) say(second.extra, `×${attempts.toFixed(1)} calls`);
  }

  /** A test request is under way: where it is nobody knows before it is back. */
  testStarts() {
    this.stopTest();
    const [[x1, y1], [x2, y2]] = this.drawing.edges[0].there;
    this.place([(x1 + x2) / 2, (y1 + y2) / 2]);
  }

  /** It is back: light its hops one after another, and leave the one that failed lit. */
  async testEnds(result) {
    this.stopTest();
    const mine = (this.test = {});
    const level = outcomeOf(result);
    const hops = result.hops.length ? result.hops : [{ service: this.chain[1].name, status: result.status || 599 }];
    for (const hop of hops) {
      const node = this.drawing.nodes[hop.service];
      if (!node || this.test !== mine) return;
      const [, end] = this.drawing.edges[this.chain.findIndex(({ name }) => name === hop.service) - 1].there;
      this.place(end);
      node.group.classList.add("lit");
      set(node.group, "data-test", hop.status >= 500 ? "error" : level);
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
    if (this.test !== mine) return;
    this.probe.setAttribute("display", "none");
    this.fade = setTimeout(() => this.stopTest(), LIT_MS);
  }

  place([x, y]) {
    this.probe.removeAttribute("display");
    this.probe.setAttribute("transform", `translate(${x} ${y})`);
  }

  stopTest() {
    clearTimeout(this.fade);
    this.test = null;
    this.probe.setAttribute("display", "none");
    for (const node of Object.values(this.drawing.nodes)) {
      node.group.classList.remove("lit");
      set(node.group, "data-test", null);
    }
  }
}

/** Green, amber or red. */
export function outcomeOf(result) {
  return !result.ok ? "error" : result.seconds >= SLOW_SECONDS ? "warning" : "good";
}

function fillLevel(share) {
  return share >= 1 ? "error" : share >= 0.75 ? "warning" : "";
}

function fill(used, all) {
  const share = all ? used / all : 0;
  return used == null ? [0, "–"] : [share, `${used} of ${all}`, fillLevel(share)];
}

/** What each meter shows of a service. */
export const METERS = {
  waiting: (_, { traffic }) => [traffic?.in_flight ?? 0, traffic ? String(traffic.in_flight) : "–"],
  threads: (service) => fill(service.threads_busy, service.threads_total),
  pool: ({ pool }) => fill(pool?.in_use, pool?.size),
  connections: ({ connections }) => fill(connections?.in_use, connections?.max),
  memory: ({ rss_bytes: resident, memory_limit_bytes: limit, memory_share: share, health }) =>
    resident == null ? [0, "–"] : [share, limit ? `${mb(resident)}/${mb(limit)} MB` : `${mb(resident)} MB`, MEMORY[health.problems.memory ?? 0]],
  queue: ({ queued }) => [queued ?? 0, queued == null ? "–" : String(queued)],
};

/** An instance in use shows the share of the calls that it gets, any other one why it gets none. */
function instanceOf({ up, role, share, health }) {
  if (!up) return { role: "down", text: "down", level: "unknown" };
  const text = role === "in_use" ? (share == null ? "in use" : `${Math.round(share * 100)} %`) : role;
  return { role, text, level: role === "standby" ? "unknown" : HEALTH[health.level] };
}
