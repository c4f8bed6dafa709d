/** One chart, drawn by uPlot, with a mark wherever a switch changed or a process began anew. */

import { h, s, say, set } from "../../lib/dom.js";
import { colourOf } from "../../lib/plot.js";
import { chartInWords } from "./sentence.js";

const WORDS_EVERY_MS = 5000;

/**
 * How large a chart is drawn, and which time it shows.
 * @typedef {object} Frame
 * @property {() => number} textPx the size of its text
 * @property {() => [number, number]} span seconds since 1970
 * @property {(chart: Chart) => number[]} splits where its time axis is labelled
 * @property {(moment: number) => string} label with what
 * @property {boolean} hasWords whether its marks have words
 * @property {() => {time: number, text: string}[]} marks
 */

export class Chart {
  /** @param {import("./described.js").Described} described @param {import("../../lib/history.js").History} history @param {Frame} frame */
  constructor(described, history, frame) {
    this.described = described;
    this.history = history;
    this.frame = frame;
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
    const text = this.frame.textPx();
    const axis = {
      stroke: ink("--soft"),
      grid: { stroke: ink("--line"), width: 1 },
      ticks: { show: false },
      font: `${Math.round(text)}px ${getComputedStyle(document.body).fontFamily}`,
    };
    const { range, series, unit } = this.described;
    const options = {
      ...this.size(),
      padding: [Math.round(text * 2.6), Math.round(text * 1.6), 0, 0],
      legend: { show: false },
      cursor: { sync: { key: "lab" }, y: false, drag: { x: false, y: false } },
      scales: { x: { range: () => this.frame.span() }, y: { range: (_, low, high) => range ?? [0, Math.max(1, high ?? 1) * 1.08] } },
      axes: [
        { ...axis, size: text * 1.85, splits: () => this.frame.splits(this), values: (_, moments) => moments.map(this.frame.label) },
        { ...axis, size: text * 4.4, space: text * 2.4, values: (_, values) => values.map((value) => `${value} ${unit}`.trim()) },
      ],
      series: [{}, ...series.map(([, , colour, dash]) => ({ stroke: ink(colour), width: Math.max(2.5, text / 6), dash, points: { show: false } }))],
      hooks: { draw: [(plot) => this.drawMarks(plot, ink, text)], setCursor: [() => this.showValues()] },
    };
    this.plot = new globalThis.uPlot(options, this.data(), this.plotAt);
  }

  destroy() {
    this.plot?.destroy();
    this.element.remove();
  }

  size() {
    return { width: Math.max(120, this.plotAt.clientWidth), height: Math.max(80, this.plotAt.clientHeight) };
  }

  fit() {
    this.plot?.setSize(this.size());
  }

  data() {
    return [this.history.points.map((point) => point[0]), ...this.described.series.map(([, values]) => values(this.history))];
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
    this.describe(data);
  }

  /** Its sentence, seldom enough to be heard to its end. */
  describe(data) {
    const now = performance.now();
    if (this.describedAt && now - this.describedAt < WORDS_EVERY_MS) return;
    this.describedAt = now;
    set(this.plotAt, "role", "img");
    set(this.plotAt, "aria-label", chartInWords(this.described, data));
  }

  drawMarks(plot, ink, text) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    const ends = [-Infinity, -Infinity];
    ctx.save();
    ctx.font = `${Math.round(text * ratio)}px ${getComputedStyle(document.body).fontFamily}`;
    ctx.strokeStyle = ink("--edge");
    ctx.fillStyle = ink("--text");
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    ctx.lineWidth = 1.5 * ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    for (const mark of this.frame.marks()) {
      const x = Math.round(plot.valToPos(mark.time, "x", true));
      if (x < bbox.left) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      if (!this.frame.hasWords) continue;
      const label = mark.text.replaceAll("_", " ");
      for (const words of [label, label.split(":")[0]]) {
        const width = ctx.measureText(words).width;
        const left = Math.max(bbox.left, Math.min(x - 4 * ratio, bbox.left + bbox.width - width));
        const row = width > bbox.width ? -1 : ends.findIndex((end) => left > end + 8 * ratio);
        if (row < 0) continue; // no room: fewer words, or the line alone, and the activity log has the words
        ends[row] = left + width;
        ctx.fillText(words, left, bbox.top - text * ratio * (row === 0 ? 0.3 : 1.45));
        break;
      }
    }
    ctx.restore();
  }
}

function swatch(colour, dash) {
  const line = s("line", { x1: 0, y1: 6, x2: 32, y2: 6, "stroke-dasharray": dash.join(" ") });
  line.style.stroke = `var(${colour})`;
  return s("svg", { viewBox: "0 0 32 12", "aria-hidden": "true" }, line);
}
