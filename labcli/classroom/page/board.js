/** The trainer's board: a card for each team, asked for once a second; it changes nothing. */

import { h, say, set, setIcon } from "/static/lib/dom.js";
import { percent, seconds } from "/static/lib/format.js";

const EVERY_MS = 1000;
const PATIENCE_MS = 5000;
const MANY = 12; // teams, from which on the cards are narrower
const LEVELS = { GREEN: "good", YELLOW: "warning", RED: "error" };
const ORDER = ["RED", "UNREACHABLE", "YELLOW", "GREEN"];
const LINKS = { page: "Page", stage: "Stage", presenter: "Presenter" };

const summary = document.getElementById("summary");
const list = document.getElementById("teams");
/** @type {Map<number, ReturnType<typeof makeCard>>} */
const cards = new Map();
let asked = 0;
let shown = 0;

async function refresh() {
  const mine = ++asked;
  try {
    const answer = await fetch("/api/class", { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answer.ok) throw new Error(String(answer.status));
    const { teams } = await answer.json();
    if (mine < shown) return;
    shown = mine;
    show(teams);
  } catch {
    if (mine < shown) return;
    say(summary, "The board has stopped, and what is below is old: start it again with ./scripts/lab class board");
    set(summary, "data-level", "error");
  } finally {
    setTimeout(refresh, EVERY_MS);
  }
}

function show(teams) {
  set(list, "data-many", teams.length > MANY);
  for (const team of teams) {
    if (!cards.has(team.number)) {
      cards.set(team.number, makeCard(team));
      list.append(cards.get(team.number).element);
    }
    cards.get(team.number).update(team);
  }
  const counts = ORDER.map((status) => [teams.filter((team) => team.status === status).length, status]);
  const words = counts.filter(([count]) => count).map(([count, status]) => `${count} ${status}`);
  say(summary, `${teams.length} teams: ${words.join(", ")}`);
  set(summary, "data-level", null);
}

function makeCard(team) {
  const shape = h("span", { class: "board-shape" });
  const word = h("span", {});
  const since = h("span", { class: "board-since" });
  const what = h("p", { class: "board-what" });
  const numbers = h("p", {});
  const reason = h("p", { class: "board-reason" });
  const links = h("p", { class: "board-links" });
  const element = h(
    "article",
    { class: "board-team", "aria-label": team.name },
    h("h2", {}, team.name),
    h("p", { class: "board-status" }, shape, word, since),
    what,
    numbers,
    reason,
    links,
  );
  function update(now) {
    const level = LEVELS[now.status] ?? "unknown";
    set(element, "data-level", level);
    setIcon(shape, level);
    say(word, now.status);
    say(since, `for ${clock(now.since_seconds)}`);
    say(what, now.status in LEVELS ? whatInWords(now) : "Nobody knows what is on there");
    say(numbers, now.kpis?.success_ratio == null ? "" : `${percent(now.kpis.success_ratio)} % succeed, p95 ${seconds(now.kpis.p95_seconds)}`);
    say(reason, reasonInWords(now));
    showLinks(links, now);
  }
  return { element, update };
}

function showLinks(holder, team) {
  const wanted = JSON.stringify(team.links);
  if (holder.dataset.links === wanted) return;
  holder.dataset.links = wanted;
  const made = Object.entries(team.links).map(([name, url]) =>
    h("a", { href: url, target: "_blank", rel: "noopener", "aria-label": `${LINKS[name]} of ${team.name}` }, LINKS[name]),
  );
  holder.replaceChildren(...made);
}

/** What is on: a drill, a scene, or what the last drill has ended with. */
function whatInWords({ drill, scene }) {
  if (drill && drill.phase !== "ended") return `Drill, level ${drill.level}: ${clock(drill.seconds)}${stateInWords(drill.teams)}`;
  if (scene) return sceneInWords(scene);
  if (drill) return `Drill ended after ${clock(drill.seconds)}${pointsInWords(drill.teams)}`;
  return "No scene, no drill";
}

function sceneInWords(scene) {
  const verdict = { pass: ", all as expected", fail: ", not as expected" }[scene.verdict] ?? "";
  return `${scene.title}: ${clock(scene.elapsed_seconds)}${verdict}`;
}

/** How far they are; the board of a drill may be hidden. */
function stateInWords(teams) {
  return teams?.length ? `, ${teams.map((team) => team.state).join(", ")}` : "";
}

function pointsInWords(teams) {
  return teams?.length ? `: ${teams.map((team) => `${team.team} ${team.points}`).join(", ")} points` : ", nobody answered";
}

function reasonInWords({ drill, scene, reasons }) {
  return drill?.phase === "ended" && !scene ? drill.result.words : reasons.join("; ");
}

/** @returns {string} "0:42", "12:07", "1:02:03" */
function clock(value) {
  const whole = Math.max(0, Math.floor(value));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

refresh();
