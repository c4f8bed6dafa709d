/** The charts of the page: the last five minutes. */

import { h } from "../../lib/dom.js";
import { loadPlots } from "../../lib/plot.js";
import { Chart } from "./chart.js";
import { chartsOf, SHOWN } from "./described.js";

const SPAN_SECONDS = 300;
const EVERY_MS = 2000;
const NARROW = 420;
const AT_A_GLANCE = 2;
const ALL_TOGETHER = "(max-width: 1099px)"; // a small screen has all of them in one place

/**
 * @param {HTMLElement} glance where the two most telling ones are, always in sight
 * @param {HTMLElement} root
 * @param {import("../../lib/history.js").History} history
 * @param {import("../../lib/topology.js").Service[]} services those that a request passes
 */
export async function mountCharts(glance, root, history, services) {
  const grid = h("div", { class: "chart-grid", tabindex: "0", role: "group", "aria-label": "Charts" });
  root.append(grid);
  if (!(await loadPlots())) {
    grid.append(h("p", {}, "The charts could not be loaded. Load the page again."));
    return;
  }
  const first = matchMedia(ALL_TOGETHER).matches ? 0 : AT_A_GLANCE;
  glance.hidden = !first;
  const described = chartsOf(services);
  const charts = SHOWN.map((name, index) => new Chart(described[name], history, frameOf(history, index === first)));
  const elements = charts.map((chart) => chart.element);
  glance.append(...elements.slice(0, first));
  grid.append(...elements.slice(first));
  const rebuild = () => charts.forEach((chart) => chart.rebuild());
  document.addEventListener("theme", rebuild);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", rebuild);
  const sizes = new ResizeObserver(() => charts.forEach((chart) => chart.fit()));
  const seen = new Set([glance, root]);
  const sights = new IntersectionObserver((entries) => entries.forEach(({ isIntersecting, target }) => (isIntersecting ? seen.add(target) : seen.delete(target))), { rootMargin: "400px" });
  for (const place of [glance, root]) {
    sizes.observe(place);
    sights.observe(place);
  }
  rebuild();
  history.watch(EVERY_MS, () => seen.size > 0, () => charts.forEach((chart) => chart.draw()));
}

/** The last five minutes; only the first of the wide charts has words beside its marks. */
function frameOf(history, hasWords) {
  const span = () => [history.last - SPAN_SECONDS, history.last];
  return {
    hasWords,
    marks: () => history.marks,
    span,
    textPx: () => (14 * parseFloat(getComputedStyle(document.documentElement).fontSize)) / 16,
    splits: (chart) => {
      const [first, last] = span();
      const shown = chart.plotAt.clientWidth < NARROW ? [4, 2, 0] : [4, 3, 2, 1, 0];
      return [first, ...shown.map((minutes) => last - minutes * 60)];
    },
    label: (moment) => {
      const minutes = Math.round((span()[1] - moment) / 60);
      return minutes === 5 ? "" : minutes ? `−${minutes} min` : "now";
    },
  };
}
