/** uPlot, which the lab serves itself, and what everything that it draws needs. */

import { h } from "./dom.js";

const LIBRARY = "/static/vendor/uplot/uPlot.iife.min.js";
const LOOKS = "/static/vendor/uplot/uPlot.min.css";

let loading;

/** Load it once; whether it is there. */
export function loadPlots() {
  loading ??= Promise.all([load("link", { rel: "stylesheet", href: LOOKS }), load("script", { src: LIBRARY })]).then(
    () => true,
    () => false,
  );
  return loading;
}

function load(tag, attributes) {
  return new Promise((resolve, reject) => document.head.append(h(tag, { ...attributes, onload: resolve, onerror: reject })));
}

/** A colour of the theme as a canvas understands it. */
export function colourOf(element, name) {
  element.style.color = `var(${name})`;
  const colour = getComputedStyle(element).color;
  element.style.color = "";
  return colour;
}
