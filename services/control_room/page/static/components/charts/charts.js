/** The last five minutes, with a mark wherever a switch changed or a process began anew. Drawn by uPlot, which the lab serves itself. */

import { get } from "../../lib/api.js";
import { h, s, say, set } from "../../lib/dom.js";
import { MB } from "../../lib/format.js";

const SPAN_SECONDS = 300;
const EVERY_MS = 2000;
const NARROW = 420;
const LIBRARY = "/static/vendor/uplot/uPlot.iife.min.js";
const LOOKS = "/static/vendor/uplot/uPlot.min.css";

const whole = (value) => String(Math.round(value));
const asSeconds = (value) => `${value.toFixed(value < 1 ? 3 : 1)} s`;

/** Colours are told apart by the dashes, too. `limit` draws a line that is not of the points; one chart `hasWords` beside its marks, and stands first. */
const CHARTS = [
  { title: "Success of users", hasWords: true, unit: "%", range: [0, 100], show: (value) => `${Math.floor(value * 10) / 10} %`, series: [["success", "success_ratio", "--good", [], 100]] },
  { title: "Time that users wait", unit: "s", show: asSeconds, series: [["half within", "p50_seconds", "--info", []], ["95 % within", "p95_seconds", "--warning", [8, 5]]] },
  { title: "Requests a second", unit: "/s", show: (value) => value.toFixed(1), series: [["offered", "offered_rps", "--soft", [8, 5]], ["served", "served_rps", "--good", []]] },
  { title: "Memory of api", unit: "MB", show: (value) => `${whole(value)} MB`, limit: true, series: [["resident", "api_rss_bytes", "--info", [], 1 / MB], ["limit", null, "--error", [8, 5]]] },
];

const LOOKS_OF_SERVICES = [["--info", []], ["--warning", [8, 5]], ["--good", [2, 4]], ["--soft", [10, 3, 2, 3]]];
const chartOfServices = (title, column, services) => ({
  title,
  unit: "",
  show: whole,
  series: services.map(({ name }, index) => [name, `${name}_${column}`, ...LOOKS_OF_SERVICES[index % LOOKS_OF_SERVICES.length]]),
});

/**
 * @param {HTMLElement} root
 * @param {import("../../lib/lab.js").Lab} lab
 * @param {import("../../lib/topology.js").Service[]} services those that a request passes
 */
export async function mountCharts(root, lab, services) {
  const history = new History();
  const grid = h("div", { class: "chart-grid" });
  root.append(grid);
  await Promise.all([load("link", { rel: "stylesheet", href: LOOKS }), load("script", { src: LIBRARY })]).catch(() => {
    grid.append(h("p", {}, "The charts could not be loaded. Load the page again."));
  });
  if (!globalThis.uPlot) return;
  const described = [...CHARTS, chartOfServices("Threads busy", "busy", services), chartOfServices("Waiting in queues", "queue", services)];
  const charts = described.map((one) => new Chart(one, history));
  grid.append(...charts.map((chart) => chart.element));
  const draw = () => charts.forEach((chart) => chart.draw());
  const rebuild = () => charts.forEach((chart) => chart.rebuild());
  document.addEventListener("theme", rebuild);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", rebuild);
  new ResizeObserver(() => charts.forEach((chart) => chart.fit())).observe(grid);
  rebuild();
  let isSeen = true;
  new IntersectionObserver(([entry]) => (isSeen = entry.isIntersecting), { rootMargin: "400px" }).observe(root);
  for (;;) {
    if (isSeen && !document.hidden && (await history.load())) draw();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

function load(tag, attributes) {
  return new Promise((resolve, reject) => document.head.append(h(tag, { ...attributes, onload: resolve, onerror: reject })));
}

/** The points and marks that came so far. */
class History {
  constructor() {
    this.points = [];
    this.marks = [];
    this.columns = [];
    this.limit = 0;
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

  column(name, factor = 1) {
    const index = this.columns.indexOf(name);
    return this.points.map((point) => (point[index] == null ? null : point[index] * factor));
  }
}

class Chart {
  constructor(described, history) {
    this.described = described;
    this.history = history;
    this.plotAt = h("div", { class: "chart-plot" });
    this.values = described.series.map(() => h("b", {}, "–"));
    const legend = described.series.map(([label, , colour, dash], index) =>
      h("span", { class: "chart-series" }, swatch(colour, dash), h("span", {}, label), this.values[index]),
    );
    this.element = h("figure", { class: "chart" }, h("figcaption", {}, h("h3", {}, described.title), ...legend), this.plotAt);
  }

  rebuild() {
    this.plot?.destroy();
    const ink = (name) => colourOf(this.plotAt, name);
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const axis = {
      stroke: ink("--soft"),
      grid: { stroke: ink("--line"), width: 1 },
      ticks: { show: false },
      font: `${Math.round(14 * scale)}px ${getComputedStyle(document.body).fontFamily}`,
    };
    const { range, series, unit } = this.described;
    const options = {
      ...this.size(),
      padding: [Math.round(36 * scale), Math.round(22 * scale), 0, 0],
      legend: { show: false },
      cursor: { sync: { key: "lab" }, y: false, drag: { x: false, y: false } },
      scales: { x: { range: () => this.span() }, y: { range: (_, low, high) => range ?? [0, Math.max(1, high ?? 1) * 1.08] } },
      axes: [
        { ...axis, size: 26 * scale, splits: () => this.minutes(), values: (_, moments) => moments.map((moment) => this.ago(moment)) },
        { ...axis, size: 62 * scale, space: 34 * scale, values: (_, values) => values.map((value) => `${value} ${unit}`.trim()) },
      ],
      series: [{}, ...series.map(([, , colour, dash]) => ({ stroke: ink(colour), width: 2.5, dash, points: { show: false } }))],
      hooks: { draw: [(plot) => this.drawMarks(plot, ink, scale)], setCursor: [() => this.showValues()] },
    };
    this.plot = new globalThis.uPlot(options, this.data(), this.plotAt);
  }

  size() {
    return { width: Math.max(120, this.plotAt.clientWidth), height: Math.max(80, this.plotAt.clientHeight) };
  }

  fit() {
    this.plot?.setSize(this.size());
  }

  span() {
    const last = this.history.points.at(-1)?.[0] ?? Date.now() / 1000;
    return [last - SPAN_SECONDS, last];
  }

  minutes() {
    const [first, last] = this.span();
    const shown = this.plotAt.clientWidth < NARROW ? [4, 2, 0] : [4, 3, 2, 1, 0];
    return [first, ...shown.map((minutes) => last - minutes * 60)];
  }

  ago(moment) {
    const minutes = Math.round((this.span()[1] - moment) / 60);
    return minutes === 5 ? "" : minutes ? `−${minutes} min` : "now";
  }

  data() {
    const { history } = this;
    const times = history.points.map((point) => point[0]);
    const limit = history.limit ? history.limit / MB : null;
    return [
      times,
      ...this.described.series.map(([, column, , , factor]) => (column ? history.column(column, factor) : times.map(() => limit))),
    ];
  }

  draw() {
    this.plot.setData(this.data());
    this.showValues();
  }

  /** Beside each name, the value under the pointer, or else the newest. */
  showValues() {
    const data = this.plot?.data;
    if (!data) return;
    const at = this.plot.cursor.idx ?? data[0].length - 1;
    this.values.forEach((element, index) => {
      const value = data[index + 1][at];
      say(element, value == null ? "–" : this.described.show(value));
    });
    set(this.plotAt, "role", "img");
    set(this.plotAt, "aria-label", `${this.described.title}, the last five minutes`);
  }

  drawMarks(plot, ink, scale) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    const ends = [-Infinity, -Infinity];
    ctx.save();
    ctx.font = `${Math.round(14 * scale * ratio)}px ${getComputedStyle(document.body).fontFamily}`;
    ctx.strokeStyle = ink("--edge");
    ctx.fillStyle = ink("--text");
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    ctx.lineWidth = 1.5 * ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    for (const { time, text } of this.history.marks) {
      const x = Math.round(plot.valToPos(time, "x", true));
      if (x < bbox.left) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      if (!this.described.hasWords) continue;
      const label = text.replaceAll("_", " ");
      const width = ctx.measureText(label).width;
      const left = Math.max(bbox.left, Math.min(x - 4 * ratio, bbox.left + bbox.width - width));
      const row = ends.findIndex((end) => left > end + 8 * ratio);
      if (row < 0) continue; // no room: the line stands, and the activity log has the words
      ends[row] = left + width;
      ctx.fillText(label, left, bbox.top - (row === 0 ? 4 : 20) * ratio * scale);
    }
    ctx.restore();
  }
}

function swatch(colour, dash) {
  const line = s("line", { x1: 0, y1: 6, x2: 32, y2: 6, "stroke-dasharray": dash.join(" ") });
  line.style.stroke = `var(${colour})`;
  return s("svg", { viewBox: "0 0 32 12", "aria-hidden": "true" }, line);
}

/** A colour of the theme as a canvas understands it. */
function colourOf(element, name) {
  element.style.color = `var(${name})`;
  const colour = getComputedStyle(element).color;
  element.style.color = "";
  return colour;
}
