/** The chart on the stage: the one that the scene is about, from its start to its end. */

import { isOnStage } from "../../lib/mode.js";
import { clock } from "../../lib/format.js";
import { Bars } from "./bars.js";
import { loadPlots } from "../../lib/plot.js";
import { Chart } from "../charts/chart.js";
import { chartsOf } from "../charts/described.js";

const EVERY_MS = 1000;
const WITHOUT_SCENE = { name: "success", seconds: 120 };
const STAIRCASE = "staircase";
const LABELS = 6;
const STEPS = [5, 10, 20, 30, 60, 120, 300];

/**
 * @param {HTMLElement} root
 * @param {import("../../lib/lab.js").Lab} lab
 * @param {import("../../lib/topology.js").Service[]} services
 * @param {import("../../lib/history.js").History} history
 */
export async function mountFigure(root, lab, services, history) {
  const described = chartsOf(services);
  const bars = new Bars();
  let chart = null;
  let shown = "";
  const scene = () => lab.now.state?.scene ?? null;
  const span = () => {
    const run = scene();
    if (!run) return [history.last - WITHOUT_SCENE.seconds, history.last];
    return [run.started_at, run.started_at + Math.max(run.duration_seconds, run.elapsed_seconds)];
  };
  const frame = {
    hasWords: true,
    marks: () => (scene() && !scene().hands_on ? scene().steps.map(({ at_seconds: at, say }) => ({ time: scene().started_at + at, text: say })) : history.marks),
    span,
    textPx: () => parseFloat(getComputedStyle(root).fontSize),
    splits: () => {
      const [first, last] = span();
      const step = STEPS.find((seconds) => (last - first) / seconds <= LABELS) ?? STEPS.at(-1);
      const from = scene()?.started_at ?? last;
      const begin = from + Math.ceil((first - from) / step + 0.3) * step; // no label below that of the other axis
      return Array.from({ length: Math.floor((last - begin) / step) + 1 }, (_, index) => begin + index * step);
    },
    label: (moment) => {
      const run = scene();
      return run ? clock(moment - run.started_at) : moment >= history.last - 1 ? "now" : `−${clock(history.last - moment)}`;
    },
  };
  const rebuild = () => {
    if (!isOnStage() || !globalThis.uPlot) return;
    const wanted = described[scene()?.chart] ? scene().chart : WITHOUT_SCENE.name;
    if (wanted !== shown) {
      chart?.destroy();
      shown = wanted;
      bars.element.remove();
      if (wanted === STAIRCASE) root.append(bars.element);
      root.classList.toggle("has-bars", wanted === STAIRCASE);
      chart = new Chart(described[wanted], history, frame);
      root.append(chart.element);
    }
    chart.rebuild();
  };
  if (!(await loadPlots())) return;
  for (const event of ["stage", "theme"]) document.addEventListener(event, rebuild);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", rebuild);
  new ResizeObserver(() => isOnStage() && chart?.fit()).observe(root);
  let live = "";
  lab.subscribe(({ state }) => {
    bars.show(state?.scene?.requests_seconds ?? []);
    const now = state?.scene ? `${state.scene.name} ${state.scene.started_at}` : "";
    if (now === live && chart) return;
    live = now;
    rebuild();
  });
  history.watch(EVERY_MS, isOnStage, () => chart?.draw());
  rebuild();
}
