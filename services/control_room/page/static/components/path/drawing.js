/** Draws the chain: a node for each service with its meters, edges between them. Wide for a stage, tall for a phone. */

import { icon, s, say, set } from "../../lib/dom.js";
import { numberOf } from "../../lib/reading.js";
import { isViewer } from "../../lib/view.js";

/** @typedef {{label: string, short?: string, kind: "bar" | "pips"}} Meter */

/** @type {Record<string, Meter>} */
const METERS = {
  waiting: { label: "waiting", kind: "pips" },
  threads: { label: "threads", kind: "bar" },
  pool: { label: "pool", kind: "bar" },
  memory: { label: "memory", kind: "bar" },
  connections: { label: "connections", short: "slots", kind: "bar" },
  queue: { label: "queue", kind: "pips" },
};

const PIPS = 14;
const TALL_METER = { label: 13, value: [0, 31], bar: 36, height: 9 }; // a phone has room for the value below its text
const PAD = 14;
const TAGS = { wide: 4, tall: 2 };
const STRIP = 62; // of a service with several instances, above its meters
const SHAPES = { standby: "unknown", ejected: "defence", failing: "error", down: "error" }; // of what is not in use

const hasSeveral = (chain) => chain.some(({ instances }) => instances.length > 1);
const stripOf = ({ instances }) => (instances.length > 1 ? STRIP : 0);

/** One beside the other: the users' node is narrower, the others share what is left. */
function wideLayout(chain) {
  const [width, height, first, gap] = [1194, hasSeveral(chain) ? 452 : 396, 190, 92];
  const others = (width - first - gap * (chain.length - 1)) / (chain.length - 1);
  const boxes = chain.map((_, index) => (index === 0 ? [0, 0, first, height] : [first + gap + (index - 1) * (others + gap), 0, others, height]));
  return { size: [width, height], boxes, head: 82, row: 56, columns: 1, tag: 26 };
}

/** One below the other: as high as the meters need, and two lines for what is on. */
function tallLayout(chain) {
  const [width, head, row, gap, columns, tag] = [340, 50, 50, 60, 2, 25];
  let y = 0;
  const boxes = chain.map((service, index) => {
    const { meters } = service;
    const height = head + stripOf(service) + Math.ceil(meters.length / columns) * row + (index === 0 ? 4 : TAGS.tall * tag + 6);
    const box = [0, y, width, height];
    y += height + gap;
    return box;
  });
  return { size: [width, y - gap], boxes, head, row, columns, tag };
}

/**
 * The whole drawing.
 * @param {import("../../lib/topology.js").Service[]} chain
 * @param {boolean} tall
 */
export function draw(chain, tall) {
  const layout = tall ? tallLayout(chain) : wideLayout(chain);
  const [width, height] = layout.size;
  const svg = s("svg", { class: tall ? "chain tall" : "chain", viewBox: `-3 -3 ${width + 6} ${height + 6}`, role: isViewer ? "img" : "group", "aria-label": "The path of a request" });
  const edges = layout.boxes.slice(1).map((box, index) => drawEdge(layout.boxes[index], box, tall, index === 0));
  const flow = s("g", { "aria-hidden": "true" });
  const nodes = chain.map((node, index) => drawNode(node, layout, layout.boxes[index], tall));
  svg.append(...edges.map((edge) => edge.group), flow, ...nodes.map((node) => node.group));
  return { svg, flow, edges, nodes: Object.fromEntries(chain.map(({ name }, index) => [name, nodes[index]])) };
}

function drawEdge(before, after, tall, isFirst) {
  const [x1, y1, w1, h1] = before;
  const there = tall ? [[70, y1 + h1], [70, after[1]]] : [[x1 + w1, 128], [after[0], 128]];
  const back = tall ? [[270, after[1]], [270, y1 + h1]] : [[after[0], 206], [x1 + w1, 206]];
  const line = ([[a, b], [c, d]]) => s("path", { class: "lane", d: `M${a} ${b}L${c} ${d}` });
  const middle = (x1 + w1 + after[0]) / 2;
  const at = (x, y, name, anchor = "middle") => s("text", { x, y, class: name, "text-anchor": anchor });
  const y = y1 + h1;
  const rate = tall ? at(86, y + 26, "edge-rate", "start") : at(middle, 108, "edge-rate");
  const extra = tall ? at(86, y + 47, "edge-small", "start") : at(middle, 156, "edge-small");
  const good = tall ? at(258, y + 26, "edge-small good", "end") : at(middle, 236, "edge-small good");
  const bad = tall ? at(258, y + 47, "edge-small error", "end") : at(middle, 258, "edge-small error");
  const group = s("g", {}, line(there), isFirst && line(back), rate, extra, good, bad);
  return { group, there, back, rate, extra, good, bad };
}

function drawNode(service, layout, [x, y, width, height], tall) {
  const { title, meters, instances } = service;
  const head = layout.head + stripOf(service);
  const button = !isViewer && { tabindex: 0, role: "button", "aria-haspopup": "dialog" };
  const group = s("g", { class: "node", "data-service": service.name, transform: `translate(${x} ${y})`, ...button });
  const health = s("text", { class: "health", x: tall ? width - PAD : PAD + 25, y: tall ? 32 : 66, "text-anchor": tall ? "end" : "start" });
  const shape = s("g", { transform: tall ? "translate(0 17)" : `translate(${PAD} 52)` });
  const judged = s("g", {}, shape, health);
  group.append(
    s("rect", { class: "box", width, height, rx: 12 }),
    s("text", { class: "name", x: PAD, y: tall ? 33 : 38 }, title),
    judged,
  );
  const column = (width - 2 * PAD - (layout.columns - 1) * 20) / layout.columns;
  const made = {};
  meters.forEach((meter, index) => {
    const at = [PAD + (index % layout.columns) * (column + 20), head + Math.floor(index / layout.columns) * layout.row];
    made[meter] = drawMeter(meter, at, column, tall);
    group.append(made[meter].group);
  });
  const cells = instances.length > 1 ? drawInstances(instances, layout.head - 6, width) : {};
  const tags = s("g", {});
  group.append(...Object.values(cells).map((cell) => cell.group), tags);
  const rows = Math.ceil(meters.length / layout.columns);
  const free = tall ? TAGS.tall : Math.max(TAGS.wide - 1, Math.floor((height - head - rows * layout.row - 10) / layout.tag));
  const place = { level: "", shape, judged, health, width, tall };
  return {
    group,
    meters: made,
    showInstance: (name, shown) => cells[name]?.show(shown),
    setHealth: (level, word) => setHealth(group, place, level, word),
    setTags: (entries) => setTags(tags, entries, { free, height, layout, width }),
  };
}

/** The instances side by side: the share of the calls that each gets, or in a word and a shape why it gets none. */
function drawInstances(names, y, width) {
  const gap = 6;
  const size = (width - 2 * PAD - gap * (names.length - 1)) / names.length;
  return Object.fromEntries(names.map((name, index) => [name, drawInstance(name, [PAD + index * (size + gap), y], size)]));
}

function drawInstance(name, [x, y], width) {
  const number = s("text", { class: "instance-name", x: 8, y: 20 }, numberOf(name));
  const word = s("text", { class: "instance-word", x: width / 2, y: 43, "text-anchor": "middle" });
  const shape = s("g", { transform: `translate(${width - 23} 6)` });
  const group = s("g", { class: "instance", "data-instance": name, transform: `translate(${x} ${y})` }, s("rect", { class: "instance-box", width, height: STRIP - 10, rx: 8 }), number, shape, word);
  return {
    group,
    show: ({ role, text, level }) => {
      set(group, "data-role", role);
      set(group, "data-level", level);
      say(word, text);
      const look = SHAPES[role] ?? level;
      if (shape.dataset.look === look) return;
      shape.dataset.look = look;
      const drawn = icon(look);
      set(drawn, "width", "16");
      set(drawn, "height", "16");
      shape.replaceChildren(drawn);
      set(shape, "class", look);
    },
  };
}

function drawMeter(name, [x, y], width, tall) {
  const { label, short = label, kind } = METERS[name];
  const brief = (words) => (tall ? words.replace(" of ", "/") : words);
  const group = s("g", { class: `meter meter-${name}`, transform: `translate(${x} ${y})` });
  const place = tall ? TALL_METER : { label: 19, value: [width, 19], bar: 28, height: 13 };
  const value = s("text", { class: "value", x: place.value[0], y: place.value[1] });
  group.append(s("text", { class: "label", x: 0, y: place.label }, tall ? short : label), value);
  if (kind === "pips") {
    const step = width / PIPS;
    const pips = Array.from({ length: PIPS }, (_, index) =>
      s("rect", { class: "pip", x: index * step, y: place.bar, width: step - 3.5, height: place.height, rx: 3 }),
    );
    group.append(...pips);
    return {
      group,
      show: (count, words) => {
        say(value, brief(words));
        pips.forEach((pip, index) => set(pip, "class", index < count ? "pip on" : "pip"));
      },
    };
  }
  const fill = s("rect", { class: "fill", y: place.bar, width: 0, height: place.height, rx: 4 });
  group.append(s("rect", { class: "track", y: place.bar, width, height: place.height, rx: 4 }), fill);
  return {
    group,
    show: (share, words, level = "") => {
      say(value, brief(words));
      set(group, "data-level", level || null);
      set(fill, "width", (Math.min(1, Math.max(0, share)) * width).toFixed(1));
    },
  };
}

function setHealth(group, place, level, word) {
  set(group, "data-level", level);
  set(place.judged, "class", level);
  say(place.health, word);
  if (place.level !== level) {
    const drawn = icon(level);
    drawn.setAttribute("width", "18");
    drawn.setAttribute("height", "18");
    place.shape.replaceChildren(drawn);
    place.level = level;
  }
  if (place.tall) {
    const length = place.health.getComputedTextLength();
    set(place.shape, "transform", `translate(${place.width - PAD - length - 25} 17)`);
  }
}

/** What is on, at the foot of the node; what has no room is counted. */
function setTags(holder, entries, { free, height, layout, width }) {
  const key = JSON.stringify(entries);
  if (holder.dataset.shown === key) return;
  holder.dataset.shown = key;
  const shown = entries.length > free ? entries.slice(0, free - 1) : entries;
  const lines = shown.map(({ kind, text }) => ({ kind, text }));
  if (shown.length < entries.length) lines.push({ kind: "setting", text: `${entries.length - shown.length} more on` });
  const top = height - 8 - lines.length * layout.tag;
  holder.replaceChildren(
    ...lines.map(({ kind, text }, index) => {
      const drawn = icon(kind);
      set(drawn, "width", 17);
      set(drawn, "height", 17);
      set(drawn, "x", PAD);
      set(drawn, "y", 3);
      const most = Math.floor((width - 2 * PAD - 24) / 8.2);
      const short = text.length > most ? `${text.slice(0, most - 1)}…` : text;
      return s(
        "g",
        { transform: `translate(0 ${top + index * layout.tag})` },
        drawn,
        s("text", { class: `tag ${kind}`, x: PAD + 24, y: 17 }, short),
      );
    }),
  );
}
