/** The workshop on /presenter: the plan, what to say, the clock against it, and one key that does the next thing. */

import { get, getSecret, NoAnswer, post } from "../../lib/api.js";
import { busy, inWords, onKey, tell } from "../../lib/commands.js";
import { dialog, h, say, set, setIcon } from "../../lib/dom.js";
import { clock } from "../../lib/format.js";

const PATH = "/api/workshop";
const EVERY_MS = 1000;
const DOUBLE_MS = 500; // a clicker that bounces, and an impatient thumb, press once
const NEXT_KEYS = ["n", "ArrowRight", "PageDown"]; // the last ones are what a presenter's clicker sends
const BACK_KEYS = ["ArrowLeft", "PageUp"];

/**
 * @param {HTMLElement} root
 * @param {(part: {scene: string, bet: string}) => void} onPart called with each part when it begins
 */
export async function mountWorkshop(root, onPart) {
  const { workshops } = await get("/api/workshops");
  const shown = new Shown(workshops, onPart);
  root.append(shown.element);
  for (const key of NEXT_KEYS) onKey(key, () => shown.press("next"));
  for (const key of BACK_KEYS) onKey(key, () => shown.press("back"));
  shown.follow();
}

class Shown {
  constructor(workshops, onPart) {
    this.onPart = onPart;
    this.now = null;
    this.asked = 0;
    this.movedAt = 0;
    this.pressed = "";
    this.partShown = "";
    const button = (text, look, action) => h("button", { type: "button", class: `button ${look}`, onclick: action }, text);
    this.plans = h("div", { class: "workshop-plans" }, h("h2", {}, "Start a workshop"), ...workshops.map((plan) => this.planRow(plan)));
    this.title = h("h2", { class: "workshop-title" });
    this.shape = h("span");
    this.verdict = h("span");
    this.times = h("p", { class: "workshop-times" });
    this.bar = h("i");
    this.words = h("ul", { class: "workshop-say" });
    this.beats = h("ol", { class: "workshop-beats" });
    this.parts = h("ol", { class: "workshop-parts", "aria-label": "Parts" });
    this.nextWords = h("span");
    this.next = h("button", { type: "button", class: "button strong workshop-next", onclick: () => this.press("next") }, this.nextWords, h("kbd", { class: "key" }, "N"));
    this.clock = h("div", { class: "workshop-clock" }, h("p", { class: "workshop-verdict", role: "status" }, this.shape, this.verdict), this.times, h("div", { class: "workshop-bar", "aria-hidden": "true" }, this.bar));
    const keys = h("div", { class: "workshop-keys" }, this.next, button("Back", "", () => this.press("back")), button("Skip", "", () => this.press("skip")), button("End …", "", () => this.askForEnd()));
    this.plan = h("div", { class: "workshop-plan", hidden: true }, h("div", { class: "workshop-head" }, this.title, this.clock), this.words, this.beats, keys, this.parts);
    this.element = h("section", { class: "panel workshop", "aria-label": "Workshop" }, this.plans, this.plan);
  }

  planRow(plan) {
    const start = h("button", { type: "button", class: "button", onclick: () => busy(start, () => this.act({ action: "start", name: plan.name })) }, `Start: ${plan.title}, ${plan.minutes} min`);
    return h("div", { class: "workshop-row" }, start, h("p", {}, plan.summary, h("br"), h("span", { class: "soft" }, plan.audience)));
  }

  /** Ask where it is each second: it may be moved from a terminal, too. */
  async follow() {
    for (;;) {
      if (!document.hidden && this.next.getAttribute("aria-disabled") !== "true") await this.load();
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  async load() {
    const mine = ++this.asked;
    try {
      const { workshop } = await getSecret(PATH);
      if (mine === this.asked) this.show(workshop);
    } catch (error) {
      if (error instanceof NoAnswer && mine === this.asked) this.showClock("unknown", "The control room does not answer: the clock stands still");
    }
  }

  press(action) {
    if (!this.now || (action === this.pressed && performance.now() - this.movedAt < DOUBLE_MS)) return;
    this.pressed = action;
    busy(this.next, () => this.act({ action, at: this.now.at }));
  }

  async act(body) {
    this.asked++; // an answer that is still on its way was asked before this
    try {
      const { workshop } = await post(PATH, body);
      this.asked++;
      this.show(workshop);
    } catch (error) {
      tell("error", inWords(error));
    } finally {
      this.movedAt = performance.now();
    }
  }

  askForEnd() {
    const end = h("button", { type: "button", class: "button strong", onclick: () => busy(end, async () => {
      await this.act({ action: "end" });
      asking.close();
    }) }, "End it");
    const asking = dialog("End the workshop?", h("p", {}, "Its clock is forgotten. The lab stays as it is."), end);
    asking.classList.add("small");
  }

  show(workshop) {
    this.now = workshop;
    this.plans.hidden = workshop !== null;
    this.plan.hidden = workshop === null;
    if (workshop === null) {
      this.partShown = "";
      return;
    }
    const { clock: time, parts, part, done } = workshop;
    this.showPart(workshop, parts[part]);
    [...this.beats.children].forEach((beat, index) => set(beat, "class", index < done ? "done" : index === done ? "next" : null));
    say(this.nextWords, workshop.next.does === "part" ? workshop.next.words : `Next: ${workshop.next.words}`);
    this.showClock(time.level, time.words);
    const left = time.part_planned_seconds - time.part_seconds;
    const rest = left >= 0 ? `${clock(left)} left in this part` : `${clock(-left)} beyond the end of this part`;
    say(this.times, `${rest} · ${clock(time.seconds)} of ${clock(time.planned_seconds)}`);
    this.bar.style.transform = `scaleX(${Math.min(1, time.part_seconds / time.part_planned_seconds)})`;
  }

  showPart(workshop, part) {
    const place = `${workshop.name} ${workshop.part}`;
    if (this.partShown === place) return;
    this.partShown = place;
    say(this.title, `${workshop.part + 1} of ${workshop.parts.length}: ${part.title}`);
    this.words.replaceChildren(...part.say.map((line) => h("li", {}, line)));
    this.beats.replaceChildren(...part.beats.map((words) => h("li", {}, words)));
    this.parts.replaceChildren(...workshop.parts.map((each, index) => h("li", { class: index < workshop.part ? "done" : index === workshop.part ? "next" : null, "aria-current": index === workshop.part && "step" }, h("span", {}, each.title), h("span", { class: "soft" }, `${each.minutes} min`))));
    this.onPart(part);
  }

  showClock(level, words) {
    set(this.clock, "data-level", level);
    set(this.shape.parentElement, "class", `workshop-verdict ${level}`);
    setIcon(this.shape, level);
    say(this.verdict, words);
  }
}
