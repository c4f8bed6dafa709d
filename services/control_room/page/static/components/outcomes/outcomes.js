/** Two outcomes: the same scene for the same users, as it is and with a defence, one laid over the other. */

import { get } from "../../lib/api.js";
import { h, say, set } from "../../lib/dom.js";
import { clock, words } from "../../lib/format.js";
import { isOnStage } from "../../lib/mode.js";
import { loadPlots } from "../../lib/plot.js";
import { Chart } from "../charts/chart.js";

const EVERY_MS = 2000;
const LABELS = 6;
const STEPS = [10, 20, 30, 60, 120];
const LOOKS = [["--warning", [8, 5]], ["--good", []]];

/**
 * @param {HTMLElement} root
 * @param {HTMLElement} figure where it is on the stage
 * @param {import("../../lib/lab.js").Lab} lab
 */
export async function mountOutcomes(root, figure, lab) {
  if (!(await loadPlots())) return;
  const outcomes = new Outcomes();
  const place = () => {
    (isOnStage() ? figure : root).append(outcomes.element);
    figure.classList.toggle("compares", outcomes.isShown);
    root.hidden = outcomes.element.hidden = !outcomes.isShown;
    outcomes.rebuild();
  };
  for (const event of ["stage", "theme"]) document.addEventListener(event, place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", place);
  new ResizeObserver(() => outcomes.chart?.fit()).observe(outcomes.element);
  const isCompared = () => outcomes.isShown || Boolean(lab.now.state?.scene?.then_with.length);
  for (let isFirst = true; ; isFirst = false) {
    if (!document.hidden && (isFirst || isCompared())) {
      const before = outcomes.isShown;
      outcomes.take(await get("/api/outcomes").catch(() => null));
      if (isFirst || before !== outcomes.isShown) place();
      else outcomes.draw();
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

class Outcomes {
  constructor() {
    this.title = h("h3");
    this.told = h("p", { class: "sr", role: "status" });
    this.counters = LOOKS.map(([colour]) => {
      const counter = h("p", { class: "lost" }, h("b"), h("span"));
      counter.style.borderColor = `var(${colour})`;
      return counter;
    });
    this.plotAt = h("div", { class: "outcomes-plot" });
    this.element = h("div", { class: "outcomes" }, h("div", { class: "outcomes-head" }, this.title, ...this.counters), this.plotAt, this.told);
    this.now = null;
  }

  get isShown() {
    return this.now !== null;
  }

  /** What the control room says; without an answer it stays as it was. */
  take(answer) {
    if (answer) this.now = answer.comparison;
    if (!this.now) return;
    this.laid = this.history();
    const { title, runs } = this.now;
    const [first, second] = runs.map((run) => run.total.toLocaleString("en"));
    say(this.title, `${title}, twice for the same users`);
    this.counters.forEach((counter, index) => {
      const run = runs[index];
      counter.hidden = !run;
      if (!run) return;
      say(counter.firstChild, run.total.toLocaleString("en"));
      say(counter.lastChild, `users lost ${words(run.title)}`);
    });
    say(this.told, second ? `${title} ${runs[1].title}: ${second} users lost instead of ${first}` : `${title}: ${first} users lost`);
  }

  /** The runs on one axis of seconds since the start: where one has no point, there is none. */
  history() {
    const seconds = [...new Set(this.now.runs.flatMap((run) => run.seconds.map(Math.round)))].sort((a, b) => a - b);
    const values = this.now.runs.map((run) => {
      const at = new Map(run.seconds.map((second, index) => [Math.round(second), run.success[index]]));
      return seconds.map((second) => (at.get(second) == null ? null : 100 * at.get(second)));
    });
    return { points: seconds.map((second) => [second]), values };
  }

  rebuild() {
    this.chart?.destroy();
    this.chart = null;
    if (!this.now) return;
    const series = this.now.runs.map((run, index) => [words(run.title), () => this.laid.values[index], ...LOOKS[index]]);
    const described = { title: "Success of users", unit: "%", range: [0, 100], show: (value) => `${Math.round(value)} %`, series };
    const { duration_seconds: whole } = this.now;
    const step = STEPS.find((each) => whole / each <= LABELS) ?? STEPS.at(-1);
    const outcomes = this;
    const laid = { get points() { return outcomes.laid.points; } };
    this.chart = new Chart(described, laid, {
      hasWords: false,
      marks: () => [],
      span: () => [0, whole],
      textPx: () => parseFloat(getComputedStyle(this.plotAt).fontSize),
      splits: () => Array.from({ length: Math.floor(whole / step) }, (_, index) => (index + 1) * step),
      label: clock,
    });
    this.shown = this.now.runs.length;
    this.plotAt.append(this.chart.element);
    this.chart.rebuild();
  }

  draw() {
    if (!this.now) return;
    if (this.now.runs.length !== this.shown) this.rebuild();
    else this.chart.draw();
    set(this.chart.plotAt, "aria-label", this.told.textContent);
  }
}
