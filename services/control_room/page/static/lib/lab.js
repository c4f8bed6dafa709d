/** What the page knows of the lab: asks once a second, and tells every component. */

import { get, NoAnswer } from "./api.js";

const EVERY_MS = 1000;
const BACK_OFF_MS = [1000, 1000, 2000, 3000, 5000];
const PAUSE_MS = 3000; // a service in a long garbage collection keeps its last numbers for so long
const PATIENCE = 2; // answers that may be missing before the page says so

/**
 * @typedef {object} Snapshot
 * @property {any} state what GET /api/state said last; null before the first answer
 * @property {boolean} answering whether the control room answers
 * @property {number} at when `state` came, by performance.now()
 */

export class Lab {
  constructor() {
    /** @type {Snapshot} */
    this.now = { state: null, answering: true, at: 0 };
    this.misses = 0;
    this.asked = 0;
    this.shown = 0;
    /** @type {Record<string, {service: any, at: number}>} */
    this.known = {};
    /** @type {((snapshot: Snapshot) => void)[]} */
    this.listeners = [];
  }

  /** Call `listener` with every snapshot. */
  subscribe(listener) {
    this.listeners.push(listener);
    if (this.now.state) listener(this.now);
  }

  start() {
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
    return this.refresh();
  }

  /** Ask now: an answer that is still on its way was asked before what has just been changed, and is dropped. */
  async refresh() {
    clearTimeout(this.timer);
    this.underWay?.abort();
    const mine = ++this.asked;
    const began = performance.now();
    const underWay = (this.underWay = new AbortController());
    try {
      const state = await get("/api/state", underWay.signal);
      if (mine < this.shown) return;
      this.shown = mine;
      this.misses = 0;
      this.bridge(state);
      this.tell({ state, answering: true, at: performance.now() });
    } catch (error) {
      if (mine !== this.asked) return;
      this.misses += 1;
      const given_up = this.misses >= PATIENCE || !(error instanceof NoAnswer) || this.now.state === null;
      this.tell({ ...this.now, answering: !given_up });
    }
    if (mine !== this.asked) return;
    const pause = this.misses ? BACK_OFF_MS[Math.min(this.misses, BACK_OFF_MS.length) - 1] : EVERY_MS;
    this.timer = setTimeout(() => this.refresh(), Math.max(100, pause - (performance.now() - began)));
  }

  /** A service that has just stopped answering keeps the numbers that it had, but is said not to answer. */
  bridge(state) {
    const now = performance.now();
    for (const [name, service] of Object.entries(state.services)) {
      if (service.up) this.known[name] = { service, at: now };
      const known = this.known[name];
      if (!service.up && known && now - known.at < PAUSE_MS) state.services[name] = { ...known.service, up: false };
    }
  }

  tell(snapshot) {
    this.now = snapshot;
    for (const listener of this.listeners) {
      try {
        listener(snapshot);
      } catch (error) {
        console.error(error); // one component's fault must not stop the others
      }
    }
  }
}
