/** Moves dots along the edges: each dot is a request, as many a second as there are, up to what an eye can follow. */

import { s } from "../../lib/dom.js";

const TRAVEL_MS = 850;
const MOST_PER_SECOND = 26;
const MOST_DOTS = 32;
const FRAME_MS = 15; // no need to draw faster than 60 times a second
const CROSS = "M-4-4L4 4M4-4L-4 4";

/** One lane: from one point to another, with dots of one look. */
class Lane {
  constructor(holder, from, to, look) {
    this.holder = holder;
    this.from = from;
    this.to = to;
    this.look = look;
    this.rate = 0;
    this.due = 0;
    /** @type {{element: SVGElement, at: number, side: number}[]} */
    this.moving = [];
    /** @type {SVGElement[]} */
    this.spare = [];
  }

  tick(now, elapsed) {
    const rate = Math.min(MOST_PER_SECOND, this.rate);
    this.due -= (elapsed / 1000) * rate;
    while (rate > 0 && this.due <= 0) {
      this.due += -Math.log(1 - Math.random()); // as random as the users' arrivals are
      if (this.moving.length < MOST_DOTS) this.send(now);
    }
    this.moving = this.moving.filter((dot) => this.move(dot, now));
  }

  send(now) {
    const element = this.spare.pop() ?? this.holder.appendChild(this.shape());
    element.removeAttribute("display");
    this.moving.push({ element, at: now, side: (Math.random() - 0.5) * 14 });
  }

  shape() {
    return this.look === "error" ? s("path", { class: "dot error", d: CROSS }) : s("circle", { class: `dot ${this.look}`, r: 5.5 });
  }

  move({ element, at, side }, now) {
    const part = (now - at) / TRAVEL_MS;
    if (part >= 1) {
      element.setAttribute("display", "none");
      this.spare.push(element);
      return false;
    }
    const [[x1, y1], [x2, y2]] = [this.from, this.to];
    const isLevel = y1 === y2;
    const x = x1 + (x2 - x1) * part + (isLevel ? 0 : side);
    const y = y1 + (y2 - y1) * part + (isLevel ? side : 0);
    element.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    return true;
  }
}

/** All lanes of one drawing. Where motion is not wanted nothing moves; the numbers beside the edges say the same. */
export class Flow {
  constructor(holder) {
    this.holder = holder;
    /** @type {Lane[]} */
    this.lanes = [];
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.last = 0;
    this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  lane(from, to, look = "") {
    const lane = new Lane(this.holder, from, to, look);
    this.lanes.push(lane);
    return lane;
  }

  stop() {
    cancelAnimationFrame(this.frame);
  }

  tick(now) {
    this.frame = requestAnimationFrame((next) => this.tick(next));
    const elapsed = now - this.last;
    if (elapsed < FRAME_MS) return;
    this.last = now;
    if (this.still.matches) return;
    for (const lane of this.lanes) lane.tick(now, Math.min(elapsed, 200));
  }
}
