/**
 * Draws every request where it is: on its way, waiting, worked on, back with its answer, or given up by its caller and
 * still held. They are the services' own requests (GET /api/spans), shown a moment later and slowed down where they
 * are too quick for an eye. Of more users than can be drawn it is a sample, and the legend says of how many.
 */

import { get } from "../../lib/api.js";
import { colourOf } from "../../lib/plot.js";

const EVERY_MS = 600;
const LATE_SECONDS = 1.3; // what is drawn is this old, so that the next answer comes before it is needed
const TRAVEL_SECONDS = 0.45;
const LEAST_SECONDS = 0.15; // that a request is seen inside a service
const QUICK_SECONDS = 0.5; // what takes no longer waits for those behind it to be seen
const FADE_SECONDS = 0.5;
const FORGET_SECONDS = 4; // an open request that nobody has told of for so long is gone, with its service
const OLD = 0.6; // of the time that its sender waits
const ATTEMPTS_KEPT = 4000;
const GAP = { most: 26, least: 5 }; // between two requests, in CSS pixels
const EASE_MS = 70;
const STILL_MS = 500; // between two drawings where motion is not wanted
const MOST_SLOTS = 24; // of one instance that are drawn, each
const USERS = { index: 0, shown: [""], slots: 0 };
const SPARE = 12;
const TAU = 2 * Math.PI;

export class Crowd {
  /** @param {HTMLCanvasElement} canvas @param {import("./nodes.js").Nodes} nodes @param {(text: string) => void} say */
  constructor(canvas, nodes, say) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.nodes = nodes;
    this.say = say;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    /** @type {Map<string, Individual>} */
    this.all = new Map();
    /** The newest request of an id in each service: who sent those behind it. @type {Map<string, Individual>} */
    this.newest = new Map();
    /** Which attempt a request is: {service and id: the moments at which it was sent}. @type {Map<string, number[]>} */
    this.attempts = new Map();
    this.running = false;
    this.offset = null; // of the lab's clock to this one's, in seconds
    const sizes = new ResizeObserver(() => this.measure());
    for (const element of [nodes.element, ...nodes.nodes.flatMap(({ room, labels }) => [room, labels])]) sizes.observe(element);
    for (const event of ["theme", "stage"]) document.addEventListener(event, () => this.measure());
  }

  start() {
    if (this.running) return;
    this.running = true;
    this.measure();
    this.ask();
    requestAnimationFrame((now) => this.frame(now));
  }

  stop() {
    this.running = false;
    clearTimeout(this.timer);
    this.all.clear();
    this.newest.clear();
  }

  async ask() {
    try {
      if (!document.hidden) this.take(await get("/api/spans"));
    } catch {
      // The page says by itself that the control room does not answer; those who are drawn fade.
    }
    if (this.running) this.timer = setTimeout(() => this.ask(), EVERY_MS);
  }

  take({ now, kept_seconds: kept, one_in: oneIn, columns, spans }) {
    const offset = now - performance.now() / 1000;
    // The quickest answer tells best how late the clocks are to each other.
    this.offset = this.offset === null || Math.abs(offset - this.offset) > 1 ? offset : Math.max(this.offset, offset);
    for (const [instance, rows] of Object.entries(spans)) for (const row of rows) this.note(instance, Object.fromEntries(columns.map((name, index) => [name, row[index]])), now, kept);
    this.say(`${oneIn === 1 ? "Each dot is one request" : `One of ${oneIn} requests is a dot`}. With a ring: a retry. Hollow: nobody waits for it any more.`);
  }

  note(instance, span, now, kept) {
    const key = `${instance} ${span.id} ${span.sent_at}`;
    let one = this.all.get(key);
    if (!one) {
      const node = this.nodes.of(instance);
      if (!node || (span.ended_at && span.ended_at < now - kept)) return;
      const sender = this.newest.get(`${node.index - 1} ${span.id}`);
      one = new Individual(key, instance, node, span, this.attemptOf(node, span), sender);
      this.all.set(key, one);
      this.newest.set(`${node.index} ${span.id}`, one);
    }
    one.tell(span, now);
  }

  attemptOf({ service }, { id, sent_at: moment }) {
    const key = `${service.name} ${id}`;
    const sent = this.attempts.get(key) ?? [];
    if (!sent.includes(moment)) sent.push(moment);
    this.attempts.delete(key);
    this.attempts.set(key, sent); // the newest last
    if (this.attempts.size > ATTEMPTS_KEPT) this.attempts.delete(this.attempts.keys().next().value);
    return sent.sort((a, b) => a - b).indexOf(moment) + 1;
  }

  /** Where the nodes are on the canvas, and in which colours to draw. */
  measure() {
    const box = this.nodes.element.getBoundingClientRect();
    if (!box.width) return;
    const ratio = devicePixelRatio;
    this.canvas.width = Math.round(box.width * ratio);
    this.canvas.height = Math.round(box.height * ratio);
    this.canvas.style.width = `${box.width}px`;
    this.canvas.style.height = `${box.height}px`;
    this.ratio = ratio;
    const inside = ({ left, top, width, height }) => ({ x: left - box.left, y: top - box.top, w: width, h: height });
    this.places = this.nodes.nodes.map(({ element, room, labels }) => ({ box: inside(element.getBoundingClientRect()), room: inside(room.getBoundingClientRect()), top: labels.offsetHeight }));
    this.isTall = this.places.length > 1 && this.places[1].box.y > this.places[0].box.y + this.places[0].box.h / 2;
    this.ink = Object.fromEntries(["--info", "--warning-fill", "--error-fill", "--good-fill", "--soft", "--line", "--text"].map((name) => [name, colourOf(this.canvas, name)]));
  }

  frame(now) {
    if (!this.running) return;
    requestAnimationFrame((next) => this.frame(next));
    if (!this.places || this.offset === null || (this.still.matches && now - (this.drawn ?? 0) < STILL_MS)) return;
    const elapsed = Math.min(200, now - (this.drawn ?? now));
    this.drawn = now;
    this.draw(now / 1000 + this.offset - LATE_SECONDS, elapsed);
  }

  /** One picture of the moment `at`, in the lab's seconds since 1970. */
  draw(at, elapsed) {
    const layout = new Layout(this.places, this.isTall);
    const groups = { young: [], old: [], ghost: [], good: [], bad: [], fading: [] };
    for (const one of this.all.values()) {
      if (!one.step(at)) this.forget(one);
    }
    for (const one of this.all.values()) layout.add(one);
    layout.settle();
    const ease = this.still.matches ? 1 : 1 - Math.exp(-elapsed / EASE_MS);
    for (const one of this.all.values()) {
      one.move(layout, ease);
      if (one.look) groups[one.look].push(one);
    }
    const { pen, ratio } = this;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    layout.drawSlots(pen, this.ink);
    this.discs(groups.young, this.ink["--info"]);
    this.discs(groups.old, this.ink["--warning-fill"]);
    this.discs(groups.good, this.ink["--good-fill"]);
    this.rings(groups.ghost, this.ink["--soft"]);
    this.crosses(groups.bad, this.ink["--error-fill"]);
    pen.globalAlpha = 0.4;
    this.rings(groups.fading, this.ink["--soft"]);
    pen.globalAlpha = 1;
  }

  forget(one) {
    this.all.delete(one.key);
    if (this.newest.get(one.name) === one) this.newest.delete(one.name);
  }

  discs(ones, colour) {
    const { pen } = this;
    pen.fillStyle = colour;
    pen.beginPath();
    for (const { x, y, r } of ones) {
      pen.moveTo(x + r, y);
      pen.arc(x, y, r, 0, TAU);
    }
    pen.fill();
    pen.strokeStyle = this.ink["--text"];
    pen.lineWidth = 2;
    pen.beginPath();
    for (const { x, y, r, attempt } of ones) {
      if (attempt === 1) continue;
      pen.moveTo(x + r, y);
      pen.arc(x, y, r, 0, TAU);
    }
    pen.stroke();
  }

  rings(ones, colour) {
    const { pen } = this;
    pen.strokeStyle = colour;
    pen.lineWidth = 2;
    pen.beginPath();
    for (const { x, y, r } of ones) {
      pen.moveTo(x + r * 0.85, y);
      pen.arc(x, y, r * 0.85, 0, TAU);
    }
    pen.stroke();
  }

  crosses(ones, colour) {
    const { pen } = this;
    pen.strokeStyle = colour;
    pen.lineWidth = 3.5;
    pen.lineCap = "round";
    pen.beginPath();
    for (const { x, y, r } of ones) {
      const a = r * 0.85;
      pen.moveTo(x - a, y - a);
      pen.lineTo(x + a, y + a);
      pen.moveTo(x + a, y - a);
      pen.lineTo(x - a, y + a);
    }
    pen.stroke();
  }
}

/**
 * One request in one instance. `where` it is: there (on its way), waits, works, back, or in the air, as nobody waits for
 * it any more. Nobody can see milliseconds: it begins when its sender has come in, and stays until those behind it left.
 */
class Individual {
  constructor(key, instance, node, span, attempt, sender) {
    this.key = key;
    this.name = `${node.index} ${span.id}`;
    this.instance = instance;
    this.node = node;
    this.attempt = attempt;
    this.sent = span.sent_at;
    this.givesUp = span.gives_up_at;
    this.begins = Math.max(this.sent, sender ? sender.came + LEAST_SECONDS : 0);
    this.came = this.begins + TRAVEL_SECONDS;
    this.behind = [];
    sender?.behind.push(this);
    this.where = "";
    this.spot = null;
    this.x = this.y = null;
    this.r = 4;
  }

  /** What its instance says of it now. */
  tell(span, now) {
    this.turn = span.turn_at;
    this.ended = span.ended_at;
    this.ok = span.ok;
    this.told = now;
  }

  /** When it is seen to leave: after as long as it really took, or as an eye needs. */
  get leaves() {
    if (this.ended === null) return Infinity;
    const seconds = this.ended - this.sent;
    const least = Math.max(this.begins + seconds, this.came + LEAST_SECONDS);
    if (seconds > QUICK_SECONDS) return least;
    return Math.max(least, ...this.behind.map((one) => (one.ended === null ? 0 : one.leaves + TRAVEL_SECONDS)));
  }

  /** What it does at this moment; false when it has left the picture. */
  step(at) {
    if (this.ended === null && at - this.told > FORGET_SECONDS) return false;
    const { leaves } = this;
    const late = this.begins - this.sent; // all of it is shown so much later
    const seen = Math.min(at - late, this.ended ?? Infinity); // whoever is shown longer than it took does not age by that
    const isForNobody = this.givesUp !== null && this.ended > this.givesUp;
    const isGhost = this.givesUp !== null && seen > this.givesUp;
    const isOld = this.givesUp !== null && seen - this.sent > OLD * (this.givesUp - this.sent);
    if (at < this.begins) [this.where, this.look] = ["", ""];
    else if (at < this.came) [this.where, this.look, this.part] = ["there", "young", (at - this.begins) / TRAVEL_SECONDS];
    else if (at < leaves) {
      const turn = !this.node.hasQueue ? 0 : this.turn === null ? Infinity : Math.min(this.turn + late, leaves - LEAST_SECONDS);
      [this.where, this.look] = [at < turn ? "waits" : "works", isGhost ? "ghost" : isOld ? "old" : "young"];
    } else if (isForNobody) [this.where, this.look, this.part] = ["air", "fading", (at - leaves) / FADE_SECONDS];
    else [this.where, this.look, this.part] = ["back", this.ok ? "good" : "bad", (at - leaves) / TRAVEL_SECONDS];
    return at < leaves || this.part < 1;
  }

  /** Where it is drawn: on an edge by its part of the way, inside where the layout has a place for it. */
  move(layout, ease) {
    if (!this.where) return;
    if (this.where === "there" || this.where === "back") {
      [this.x, this.y] = layout.onEdge(this.node.index, this.where === "there" ? this.part : 1 - this.part, this.where, this.lane());
      this.r = layout.edgeRadius;
      return;
    }
    if (this.where === "air") {
      this.y = (this.y ?? 0) - 0.4;
      return;
    }
    const [x, y, r] = this.target;
    this.x = this.x === null ? x : this.x + (x - this.x) * ease;
    this.y = this.y === null ? y : this.y + (y - this.y) * ease;
    this.r += (r - this.r) * ease;
  }

  /** A small offset that is its own, so that those who come together stay apart. */
  lane() {
    return ((this.sent * 997) % 1) - 0.5;
  }
}

/** Finds places for those that are inside: the queue from the left, oldest nearest to those at work. */
class Layout {
  constructor(places, isTall) {
    this.places = places;
    this.isTall = isTall;
    this.edgeRadius = isTall ? 5 : 7;
    /** @type {Map<string, {node: any, waits: Individual[], works: Individual[]}>} */
    this.rooms = new Map();
    this.slots = [];
  }

  add(one) {
    const { node, instance, where } = one;
    if (node.index === 1 && where && where !== "air" && where !== "back" && one.look !== "ghost") {
      one.user ??= { spot: null }; // whoever sent it waits in the users' node
      this.roomOf(USERS, "").works.push(one.user);
    }
    if (where === "waits" || where === "works") this.roomOf(node, instance)[where].push(one);
  }

  roomOf(node, instance) {
    let room = this.rooms.get(instance);
    if (!room) this.rooms.set(instance, (room = { node, instance, waits: [], works: [] }));
    return room;
  }

  settle() {
    this.crowdOfUsers = this.rooms.get("")?.works ?? [];
    for (const room of this.rooms.values()) this.place(room);
  }

  place({ node, instance, waits, works }) {
    const { room: whole, top } = this.places[node.index];
    const shown = node.shown;
    const index = Math.max(0, shown.indexOf(instance));
    const w = whole.w / shown.length;
    const area = { x: whole.x + index * w + 4, y: whole.y + top + 3, w: w - 8, h: whole.h - top - 6 };
    const bySent = (a, b) => a.sent - b.sent;
    const slots = node.slots / shown.length;
    if (slots && slots <= MOST_SLOTS) {
      const [columns, gap] = fit(Math.max(slots, works.length), { w: area.w * 0.34, h: area.h });
      const right = { x: area.x + area.w - columns * gap, y: area.y, w: columns * gap, h: area.h };
      const spots = grid(Math.max(slots, works.length), right, gap, false);
      spots.slice(0, slots).forEach((spot) => this.slots.push(spot));
      assign(works, spots);
      const left = { ...area, w: right.x - area.x - 10 };
      const [, gapLeft] = fit(waits.length, left);
      const queue = grid(waits.length, left, gapLeft, true);
      waits.sort(bySent).forEach((one, place) => (one.target = queue[place]));
      return;
    }
    const places = SPARE * Math.ceil((works.length + waits.length + 1) / SPARE); // so that not everybody moves for each
    const [, gap] = fit(places, area);
    const spots = grid(places, area, gap, true);
    assign(works, spots);
    waits.sort(bySent).forEach((one, place) => (one.target = spots[Math.min(works.length + place, places - 1)]));
  }

  onEdge(index, part, which, lane) {
    const [before, after] = [this.places[index - 1].box, this.places[index].box];
    const shift = which === "there" ? -1 : 1;
    if (this.isTall) {
      const x = after.x + after.w / 2 + shift * 28 + lane * 18;
      return [x, before.y + before.h + (after.y - before.y - before.h) * part];
    }
    const y = this.places[index].room.y + this.places[index].room.h / 2 + shift * 26 + lane * 20;
    return [before.x + before.w + (after.x - before.x - before.w) * part, y];
  }

  drawSlots(pen, ink) {
    pen.strokeStyle = ink["--line"];
    pen.lineWidth = 2;
    pen.beginPath();
    for (const [x, y, r] of this.slots) {
      pen.moveTo(x + r + 3, y);
      pen.arc(x, y, r + 3, 0, TAU);
    }
    pen.stroke();
    pen.fillStyle = ink["--info"];
    pen.beginPath();
    for (const user of this.crowdOfUsers) {
      const [x, y, r] = user.target;
      pen.moveTo(x + r, y);
      pen.arc(x, y, r, 0, TAU);
    }
    pen.fill();
  }
}

/** Columns and gap with which so many fit into an area. */
function fit(count, { w, h }) {
  if (!count) return [1, GAP.most];
  let gap = Math.min(GAP.most, Math.sqrt((w * h) / count));
  while (gap > GAP.least && Math.floor(w / gap) * Math.floor(h / gap) < count) gap -= 0.5;
  const rows = Math.max(1, Math.floor(h / gap));
  return [Math.ceil(count / rows), gap];
}

/** Places in columns; of a queue the first one is on the right. */
function grid(count, { x, y, w, h }, gap, fromRight) {
  const rows = Math.max(1, Math.floor(h / gap));
  const margin = (h - Math.min(rows, Math.max(count, 1)) * gap) / 2;
  const r = Math.max(2, gap * 0.4);
  return Array.from({ length: count }, (_, index) => {
    const along = Math.floor(index / rows) * gap + gap / 2;
    return [fromRight ? x + w - along : x + along, y + margin + (index % rows) * gap + gap / 2, r];
  });
}

/** Whoever has a spot keeps it; the others take the first ones that are free. */
function assign(ones, spots) {
  const free = new Set(spots.keys());
  for (const one of ones) if (!free.delete(one.spot)) one.spot = null;
  for (const one of ones) {
    if (one.spot === null) {
      one.spot = free.values().next().value ?? spots.length - 1;
      free.delete(one.spot);
    }
    one.target = spots[one.spot];
  }
}
