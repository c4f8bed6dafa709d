/** The last five minutes, a point a second, for all charts: asked for only while one of them is looked at. */

import { get } from "./api.js";

const SPAN_SECONDS = 300;
const RETRY_MS = 250;

export class History {
  constructor() {
    /** @type {(number | null)[][]} */
    this.points = [];
    /** @type {{time: number, text: string}[]} */
    this.marks = [];
    /** @type {string[]} */
    this.columns = [];
    this.limit = 0; // the api's memory limit, in bytes
    /** @type {{everyMs: number, isSeen: () => boolean, draw: () => void}[]} */
    this.watchers = [];
  }

  /** Call `draw` after each load, so often, while `isSeen`. */
  watch(everyMs, isSeen, draw) {
    this.watchers.push({ everyMs, isSeen, draw });
    if (this.watchers.length === 1) this.run();
  }

  async run() {
    for (;;) {
      const seen = document.hidden ? [] : this.watchers.filter(({ isSeen }) => isSeen());
      if (seen.length && (await this.load())) seen.forEach(({ draw }) => draw());
      const pause = seen.length ? Math.min(...seen.map(({ everyMs }) => everyMs)) : RETRY_MS;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /** Load what is new; whether there was an answer. */
  async load() {
    try {
      const last = this.points.at(-1)?.[0] ?? 0;
      const { columns, points, marks, api_memory_limit_bytes: limit } = await get(`/api/history?after=${last}`);
      this.columns = columns;
      this.limit = limit;
      this.points.push(...points);
      this.marks.push(...marks);
      const oldest = (this.points.at(-1)?.[0] ?? 0) - SPAN_SECONDS;
      this.points = this.points.filter((point) => point[0] > oldest);
      this.marks = this.marks.filter((mark) => mark.time > oldest);
      return true;
    } catch {
      return false;
    }
  }

  /** The moment of the newest point, in seconds since 1970. */
  get last() {
    return this.points.at(-1)?.[0] ?? Date.now() / 1000;
  }

  column(name, factor = 1) {
    const index = this.columns.indexOf(name);
    return this.points.map((point) => (point[index] == null ? null : point[index] * factor));
  }
}
