/** The nodes of the path, in large type: who holds how much, what is on, and room for the requests to be drawn in. */

import { h, icon, say, set, setIcon } from "../../lib/dom.js";
import { mb, percent, rate } from "../../lib/format.js";
import { answersOf, HEALTH, numberOf } from "../../lib/reading.js";
import { isViewer } from "../../lib/view.js";

const ROLES = { ejected: "out", failing: "fails" };
const MOST_TAGS = { low: 2, high: 3 };
const LOW_PX = 330; // a node that is no higher than this
const WASTE = 0.05; // work for nobody that is worth a line

export class Nodes {
  /** @param {import("../../lib/topology.js").Service[]} chain */
  constructor(chain) {
    this.chain = chain;
    this.nodes = chain.map((service, index) => new Node(service, index, chain.length));
    this.element = h("ol", { class: "stage-nodes" }, ...this.nodes.map(({ element }) => element));
  }

  show(state, answering) {
    this.element.classList.toggle("silent", !answering);
    this.nodes.forEach((node, index) => node.show(state, this.chain[index - 1]));
  }

  /** The node of a service, or of one of its instances. */
  of(name) {
    return this.nodes.find(({ service }) => service.name === name || service.instances.includes(name));
  }
}

class Node {
  constructor(service, index, count) {
    this.service = service;
    this.index = index;
    this.isLast = index === count - 1;
    this.shape = h("span", { class: "node-shape" });
    this.health = h("span");
    this.asked = h("p", { class: "node-asked" });
    this.good = h("span", { class: "good" });
    this.bad = h("span", { class: "error" });
    this.room = h("div", { class: "node-room" });
    this.labels = h("div", { class: "node-labels" });
    this.numbers = h("p", { class: "node-numbers" });
    this.wasted = h("span");
    this.waste = h("p", { class: "node-waste", hidden: true }, this.wasted, h("span", { class: "roomy" }, " of its work is"), " for nobody");
    this.tags = h("ul", { class: "node-tags" });
    const title = isViewer ? service.title : h("button", { type: "button", class: "node-open", "aria-haspopup": "dialog" }, service.title);
    const head = h("div", { class: "node-head" }, h("h3", {}, title), h("p", { class: "node-health" }, this.shape, this.health));
    this.element = h("li", { class: "node", "data-service": service.name }, head, this.room, this.numbers, this.waste, this.tags);
    this.room.append(this.labels);
    if (index > 0) this.room.append(this.asked, h("p", { class: "node-answers" }, this.good, this.bad));
    /** Instances that have a part of the room; the others are not asked. @type {string[]} */
    this.shown = service.instances.slice(0, 1);
    this.slots = 0;
    this.hasQueue = false;
  }

  show(state, caller) {
    const found = state.services[this.service.name];
    const level = HEALTH[found.health.level];
    set(this.element, "data-level", level);
    setIcon(this.shape, level);
    this.shape.hidden = !caller;
    say(this.health, caller ? found.health.word : `${rate(state.traffic?.rps)} a second`);
    if (caller) this.showCalls(state, caller);
    this.showInstances(found);
    this.hasQueue = Boolean(found.connections ?? found.work ?? found.pool);
    this.slots = (found.connections ?? found.work)?.max ?? found.pool?.size ?? 0;
    say(this.numbers, caller ? numbersInWords(found) : `${state.traffic?.in_flight ?? "–"} wait`);
    const wasted = state.cascade.wasted_work_ratio;
    this.waste.hidden = !this.isLast || wasted < WASTE;
    say(this.wasted, `${percent(wasted)} %`);
    this.showTags(state.tags[this.service.name] ?? []);
  }

  /** How much is asked of it, on the edge before it; of the users' requests also what becomes of them. */
  showCalls({ services, kpis }, caller) {
    say(this.asked, `${rate(services[caller.name].calls?.rps ?? 0)}/s`);
    if (this.index > 1) return;
    const { served, failed } = answersOf(kpis);
    say(this.good, served >= 0.05 ? `✓ ${rate(served)}/s` : "");
    say(this.bad, failed >= 0.05 ? `✕ ${rate(failed)}/s` : "");
  }

  showInstances({ instances = {} }) {
    const names = Object.keys(instances);
    const used = names.filter((name) => instances[name].role !== "standby");
    const shown = used.length ? used : this.service.instances.slice(0, 1);
    if (shown.join() !== this.shown.join()) this.labels.replaceChildren();
    this.shown = shown;
    if (shown.length < 2) return;
    if (!this.labels.children.length) this.labels.append(...shown.map(() => h("span")));
    shown.forEach((name, index) => {
      const { up, role, share, health } = instances[name];
      const label = this.labels.children[index];
      const word = up ? ROLES[role] : "down";
      set(label, "data-level", up ? HEALTH[health.level] : "unknown");
      say(label, word || share == null ? `${numberOf(name)} ${word ?? ""}` : `${Math.round(share * 100)} %`);
    });
  }

  showTags(tags) {
    const key = JSON.stringify(tags);
    if (this.tags.dataset.shown === key) return;
    this.tags.dataset.shown = key;
    const most = this.element.clientHeight > LOW_PX ? MOST_TAGS.high : MOST_TAGS.low;
    const shown = tags.length > most ? tags.slice(0, most - 1) : tags;
    const more = tags.length - shown.length;
    this.tags.replaceChildren(
      ...shown.map(({ kind, text }) => h("li", { class: kind }, icon(kind), h("span", {}, text))),
      ...(more ? [h("li", { class: "setting" }, icon("setting"), h("span", {}, `${more} more on`))] : []),
    );
  }
}

function numbersInWords(found) {
  const { up, connections, pool, work, threads_busy: busy, threads_total: threads, queued, rss_bytes: resident, memory_limit_bytes: limit, memory_share: share } = found;
  if (!up) return "does not answer";
  if (share >= 0.5) return `${mb(resident)} of ${mb(limit)} MB`;
  const part = connections ?? work ?? (pool && pool.in_use >= pool.size ? { in_use: pool.in_use, max: pool.size } : null);
  const [held, what] = part ? [`${part.in_use}/${part.max}`, "busy"] : [`${busy}/${threads}`, "threads"];
  return queued ? `${held}, ${queued} wait` : `${held} ${what}`;
}
