/** The cliff: at which load the scene that is on recovers once its trigger is gone, as simulated, and where the lab is. */

import { get, post } from "../../lib/api.js";
import { inWords, tell } from "../../lib/commands.js";
import { h, say, set, setIcon } from "../../lib/dom.js";
import { percent, rate } from "../../lib/format.js";
import { colourOf, loadPlots } from "../../lib/plot.js";
import { isViewer } from "../../lib/view.js";

const STEP_RPS = 0.5;
const SHADE = 0.16;

/** @param {HTMLElement} root @param {import("../../lib/lab.js").Lab} lab */
export async function mountCliff(root, lab) {
  if (await loadPlots()) new Cliff(root, lab);
}

class Cliff {
  constructor(root, lab) {
    Object.assign(this, { root, lab, curve: null, version: null, rps: 0, held: false });
    this.plotAt = h("div", { class: "cliff-plot", role: "img" });
    this.sign = h("span", { "aria-hidden": "true" });
    this.sentence = h("span", { id: "cliff-sentence" });
    this.words = h("p", { class: "cliff-words" }, this.sign, this.sentence);
    this.note = h("p", { class: "cliff-note soft" });
    const head = h("div", { class: "cliff-head" }, root.querySelector("h2"), this.words);
    root.append(head, this.note, this.plotAt);
    if (!isViewer) root.append(this.load());
    const rebuild = () => this.rebuild();
    document.addEventListener("theme", rebuild);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", rebuild);
    new ResizeObserver(rebuild).observe(this.plotAt);
    lab.subscribe(({ state, answering }) => answering && this.show(state));
  }

  /** The slider: while it is held it only shows, and the lab hears of it when it is let go. */
  load() {
    this.slider = h("input", {
      type: "range",
      id: "cliff-load",
      min: 0,
      step: STEP_RPS,
      "aria-describedby": "cliff-sentence",
      oninput: () => this.hold(),
      onchange: () => this.send(),
    });
    this.value = h("output", { for: "cliff-load" });
    return h("div", { class: "cliff-load" }, h("label", { for: "cliff-load" }, "Load"), this.slider, this.value);
  }

  hold() {
    this.held = true;
    this.rps = Number(this.slider.value);
    this.draw();
  }

  async send() {
    const rps = this.rps;
    try {
      await post("/api/traffic", { rps });
    } catch (error) {
      tell("error", inWords(error));
    }
    if (rps === this.rps) this.held = false;
    await this.lab.refresh();
  }

  show(state) {
    this.state = state;
    if (!this.held) this.rps = state.traffic?.rps ?? this.rps;
    if (state.cliff !== this.version) this.follow(state.cliff, state.scene?.name);
    this.root.hidden = !this.curve;
    if (this.curve) this.draw();
  }

  /** Another curve: what comes after a newer one was asked for is dropped. */
  async follow(version, scene) {
    this.version = version;
    if (!version) {
      this.curve = null;
      return;
    }
    const curve = await get(`/api/cliff/${encodeURIComponent(scene)}`).catch(() => null);
    if (version !== this.version) return;
    if (!curve) this.version = null; // asked for again with the next state
    else this.curve = curve;
    this.root.hidden = !this.curve;
    this.rebuild();
  }

  rebuild() {
    this.plot?.destroy();
    this.plot = null;
    if (!this.curve || this.root.hidden) return;
    this.size = Math.max(14, parseFloat(getComputedStyle(this.plotAt).fontSize) * 0.9);
    if (document.documentElement.classList.contains("on-stage")) this.size = Math.max(24, this.size);
    const ink = (name) => colourOf(this.plotAt, name);
    const axis = {
      stroke: ink("--soft"),
      grid: { stroke: ink("--line"), width: 1 },
      ticks: { show: false },
      font: `${Math.round(this.size)}px ${getComputedStyle(document.body).fontFamily}`,
    };
    this.ink = ink;
    const line = { stroke: ink("--text"), points: { show: false } };
    this.plot = new globalThis.uPlot(
      {
        width: Math.max(120, this.plotAt.clientWidth),
        height: Math.max(120, this.plotAt.clientHeight),
        padding: [this.size, this.size * 1.5, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range: [0, this.curve.highest_rps] }, y: { range: [0, 100] } },
        axes: [
          { ...axis, size: this.size * 2, space: this.size * 5, values: (_, all) => all.map((value) => `${value} /s`) },
          { ...axis, size: this.size * 4.2, space: this.size * 2.4, values: (_, all) => all.map((value) => `${value} %`) },
        ],
        series: [{}, { ...line, width: 0 }, { ...line, width: 0 }, { ...line, width: 3 }],
        bands: [{ series: [2, 1], fill: ink("--line") }],
        hooks: { drawClear: [() => this.drawRegions()], draw: [() => this.drawLab()] },
      },
      this.data(),
      this.plotAt,
    );
    this.draw();
  }

  data() {
    const all = this.curve.points;
    const share = (name) => all.map((point) => (point[name] == null ? null : point[name] * 100));
    return [all.map((point) => point.rps), share("after_low"), share("after_high"), share("after")];
  }

  draw() {
    if (!this.curve) return;
    const { curve, rps } = this;
    const [level, words] = this.verdict();
    setIcon(this.sign, level);
    set(this.sign, "class", level);
    set(this.words, "data-level", level);
    say(this.sentence, words);
    say(this.note, this.origin());
    set(this.plotAt, "aria-label", `Share of users served once the trigger is gone, at each load. ${words} ${this.labNow()}`);
    if (this.slider) {
      set(this.slider, "max", curve.highest_rps);
      if (!this.held) this.slider.value = String(rps);
      set(this.slider, "aria-valuetext", `${rate(rps)} users a second`);
      say(this.value, `${rate(rps)} users/s`);
    }
    this.plot?.redraw(false);
  }

  /** What becomes of the scene at this load: a level, and a sentence. */
  verdict() {
    const { recovers_to_rps: to, stays_down_from_rps: from, points } = this.curve;
    const at = `At ${rate(this.rps)} users a second this scene`;
    if (!points.length) return ["pending", this.curve.state === "failed" ? "There is no curve for what is on." : "Simulating what is on …"];
    const up = `up to ${Math.floor(to)}`;
    if (from == null || this.rps <= to) {
      if (this.rps > to) return ["pending", `${at} is not simulated yet.`];
      return ["good", from == null ? `${at} recovers; it does at each load up to ${Math.floor(to)}.` : `${at} recovers; from ${Math.ceil(from)} it stays down.`];
    }
    if (this.rps >= from) return ["error", `${at} stays down; ${to ? `${up} it recovers.` : "it does at each load."}`];
    return ["warning", `${at} is on the edge: ${up} it recovers, from ${Math.ceil(from)} it stays down.`];
  }

  origin() {
    const { changes, state, why, judged, origin } = this.curve;
    const now = changes.length ? `With ${changes.join(", ").replaceAll("_", " ")}. ` : "";
    const how = `Simulated: the users served ${judged.after_seconds} s after the trigger has gone, and with no other cure`;
    const more = { done: "", computing: "; the simulation is under way", failed: `; broken off: ${why}` }[state];
    return `${now}${how}${origin === "computed" ? more : ""}.`;
  }

  /** Where the real lab is, in words. */
  labNow() {
    const { offered_rps: offered, success_ratio: served } = this.state?.kpis ?? {};
    return offered == null || served == null ? "" : `The lab now: ${rate(offered)} users a second, ${percent(served)} % served.`;
  }

  /** Where it recovers and where it stays down, below the curve: told by a word and a shade. */
  drawRegions() {
    const { recovers_to_rps: to, stays_down_from_rps: from, highest_rps: highest, points } = this.curve;
    if (!points.length) return;
    const last = this.curve.state === "done" ? highest : points.at(-1).rps;
    this.drawRegion(0, from == null ? last : to, "recovers", "--good", false);
    if (from != null) this.drawRegion(from, last, "stays down", "--error", true);
  }

  drawRegion(low, high, word, colour, isHatched) {
    const { ctx, bbox } = this.plot;
    const ratio = devicePixelRatio;
    const [left, right] = [low, high].map((rps) => this.plot.valToPos(rps, "x", true));
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, right - left, bbox.height);
    ctx.clip();
    ctx.fillStyle = ctx.strokeStyle = this.ink(colour);
    ctx.globalAlpha = SHADE;
    if (!isHatched) ctx.fillRect(left, bbox.top, right - left, bbox.height);
    ctx.lineWidth = 3 * ratio;
    ctx.globalAlpha = SHADE * 2;
    for (let x = left - bbox.height; isHatched && x < right; x += 16 * ratio) {
      ctx.beginPath();
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
      ctx.stroke();
    }
    ctx.globalAlpha = 1;
    ctx.font = `600 ${Math.round(this.size * 1.3 * ratio)}px ${getComputedStyle(document.body).fontFamily}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    if (right - left > ctx.measureText(word).width) ctx.fillText(word, (left + right) / 2, bbox.top + bbox.height / 2);
    ctx.restore();
  }

  /** A line at the load that is set, and the lab's dot. */
  drawLab() {
    const { ctx, bbox } = this.plot;
    const ratio = devicePixelRatio;
    const { offered_rps: offered, success_ratio: served } = this.state?.kpis ?? {};
    const within = (rps) => this.plot.valToPos(Math.min(rps, this.curve.highest_rps), "x", true);
    ctx.save();
    ctx.strokeStyle = this.ink("--info");
    ctx.lineWidth = 3 * ratio;
    ctx.setLineDash([8 * ratio, 6 * ratio]);
    ctx.beginPath();
    ctx.moveTo(within(this.rps), bbox.top);
    ctx.lineTo(within(this.rps), bbox.top + bbox.height);
    ctx.stroke();
    if (offered != null && served != null) {
      const [x, y] = [within(offered), this.plot.valToPos(served * 100, "y", true)];
      const radius = this.size * 0.6 * ratio;
      ctx.setLineDash([]);
      ctx.fillStyle = this.ink("--info");
      ctx.strokeStyle = this.ink("--panel");
      ctx.beginPath();
      ctx.arc(x, y, radius, 0, 2 * Math.PI);
      ctx.fill();
      ctx.stroke();
      ctx.fillStyle = this.ink("--text");
      ctx.font = `600 ${Math.round(this.size * ratio)}px ${getComputedStyle(document.body).fontFamily}`;
      const isRight = x > bbox.left + bbox.width * 0.7;
      ctx.textAlign = isRight ? "right" : "left";
      ctx.textBaseline = "middle";
      const inside = Math.min(Math.max(y, bbox.top + radius * 2), bbox.top + bbox.height - radius * 2);
      ctx.fillText("the lab now", x + (isRight ? -2 : 2) * radius, inside);
    }
    ctx.restore();
  }
}
