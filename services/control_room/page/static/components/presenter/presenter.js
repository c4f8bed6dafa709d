/** /presenter: for the presenter's own screen. The workshop, notes of the scene, and votes before the room sees them. */

import { get, getSecret, post } from "../../lib/api.js";
import { busy, listenToKeys, takeTheme } from "../../lib/commands.js";
import { h, say, set, setIcon } from "../../lib/dom.js";
import { clock } from "../../lib/format.js";
import { Lab } from "../../lib/lab.js";
import { reportButton } from "../../lib/report.js";
import { Ballot } from "../bets/ballot.js";
import { mountPresentersDrill } from "../drill/presenters.js";
import { mountToken } from "../token/token.js";
import { mountWorkshop } from "../workshop/workshop.js";

const EVERY_MS = 1000;
const LEVELS = { GREEN: "good", YELLOW: "warning", RED: "error" };
const PHASES = { open: "The room votes", closed: "The vote is closed", revealed: "Revealed" };
const ACTIONS = [
  ["open", "Open the vote"],
  ["close", "Close the vote"],
  ["reveal", "Reveal"],
];

function mountPresenter(root, lab, scenes, bets) {
  const shape = h("span");
  const now = h("p", { class: "presenter-now", role: "status" });
  const choice = h("select", { "aria-label": "Notes of", onchange: () => show(choice.value) }, ...scenes.map(({ name, title }) => h("option", { value: name }, title)));
  const next = h("p", { class: "presenter-next" });
  const notes = h("section", { class: "panel presenter-notes", "aria-label": "Notes" });
  const ofScene = h("div", { class: "presenter-bets" });
  const drill = h("section", { class: "panel presenter-drill", "aria-label": "Drill" });
  root.append(h("div", { class: "presenter-lab" }, h("div", { class: "presenter-head" }, shape, now, choice, reportButton("button")), next, drill, ofScene, notes));
  mountPresentersDrill(drill, lab);
  let shown = null;
  let onStage = "";
  let betOfPart = "";

  function show(name) {
    const scene = scenes.find((each) => each.name === name);
    const steps = scene.steps.map((step) => h("li", {}, `${clock(step.at_seconds)} ${step.say}`));
    const list = (title, items, look = "") => [h("h2", {}, title), h("ul", { class: look }, ...items)];
    const lines = (texts) => texts.map((text) => h("li", {}, text));
    notes.replaceChildren(h("p", {}, scene.story), scene.lesson && h("p", {}, h("b", {}, "At the end: "), scene.lesson), ...list("Do", lines(scene.do)), ...list("Watch", lines(scene.watch)), ...(steps.length ? list("Steps", steps, "presenter-steps") : []));
    const isFirst = (bet) => Number(bet.id === betOfPart);
    const books = bets.filter((bet) => bet.scene === name).sort((one, other) => isFirst(other) - isFirst(one)).map((bet) => new Book(bet));
    ofScene.replaceChildren(...books.map((book) => book.element));
    choice.value = name;
    shown = { scene, steps, books };
  }

  show(scenes[0].name);
  lab.subscribe(({ state, answering }) => {
    if (!state) return;
    const run = state.scene;
    if (run && run.name !== onStage) show(run.name);
    onStage = run?.name ?? "";
    const level = answering ? LEVELS[state.status] : "unknown";
    setIcon(shape, level);
    set(shape, "class", level);
    say(now, `${answering ? state.status : "UNKNOWN"} · ${run ? `${run.title}, ${clock(run.elapsed_seconds)} of ${clock(run.duration_seconds)}` : state.drill?.phase === "running" ? "A drill is on" : "No scene on stage"}`);
    const elapsed = run?.name === shown.scene.name ? run.elapsed_seconds : -1;
    shown.steps.forEach((item, index) => set(item, "class", shown.scene.steps[index].at_seconds <= elapsed ? "done" : null));
    const coming = shown.scene.steps.find((step) => step.at_seconds > elapsed);
    say(next, elapsed < 0 ? "" : coming ? `Next, in ${Math.ceil(coming.at_seconds - elapsed)} s: ${coming.say}` : "No step is to come.");
  });
  follow(() => shown.books);
  lab.start();
  return (part) => {
    betOfPart = part.bet;
    if (part.scene) show(part.scene);
  };
}

/** Ask for the votes each second, and once at a time. */
async function follow(books) {
  for (;;) {
    if (!document.hidden) await Promise.all(books().map((book) => book.load().catch(() => {})));
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

/** A bet with its votes and results, and what can be done with it. */
class Book {
  constructor(bet) {
    this.path = `/api/bets/${bet.id}`;
    this.phase = h("p", { class: "bet-words", role: "status" });
    this.ballot = new Ballot(bet, null);
    const buttons = ACTIONS.map(([action, text]) => {
      const button = h("button", { type: "button", class: "button", onclick: () => busy(button, async () => this.show(await post(this.path, { action }))) }, text);
      return button;
    });
    this.element = h("section", { class: "panel bets" }, h("div", { class: "bet-head" }, h("h2", {}, bet.question), h("div", { class: "bet-buttons" }, ...buttons)), this.phase, this.ballot.options, this.ballot.results);
  }

  async load() {
    this.show(await getSecret(this.path));
  }

  show(bet) {
    const votes = bet.counts?.at(-1);
    const total = votes && Object.values(votes).reduce((sum, count) => sum + count, 0);
    say(this.phase, bet.phase ? `${PHASES[bet.phase]}${bet.round > 1 ? ", for the second time" : ""}: ${total} ${total === 1 ? "vote" : "votes"}` : "Not opened yet");
    this.ballot.show(bet);
  }
}

takeTheme();
mountToken();
const { scenes } = await get("/api/scenes");
const { bets } = await get("/api/bets");
const main = document.getElementById("main");
const workshop = main.appendChild(h("div"));
const showPart = mountPresenter(main, new Lab(), scenes, bets);
listenToKeys();
await mountWorkshop(workshop, showPart);
