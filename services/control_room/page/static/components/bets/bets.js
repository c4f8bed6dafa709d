/** Bets: the presenter opens, closes and reveals them; the room votes at /view; then the lab decides. */

import { get, post, sendFromRoom } from "../../lib/api.js";
import { busy, inWords, onKey, tell } from "../../lib/commands.js";
import { h, say, set } from "../../lib/dom.js";
import { isViewer } from "../../lib/view.js";
import { Ballot } from "./ballot.js";

/**
 * @param {HTMLElement} root
 * @param {HTMLElement} controls where the presenter's button goes
 * @param {import("../../lib/lab.js").Lab} lab
 * @param {import("../../lib/room.js").Room} room
 */
export function mountBets(root, controls, lab, room) {
  const panel = new Panel(root, lab, room);
  if (isViewer) return;
  const open = h("button", { type: "button", class: "button bet-open", "aria-keyshortcuts": "b", onclick: () => panel.next(open) }, h("span", {}, "Bet"), h("span", { class: "key", "aria-hidden": "true" }, "B"));
  open.hidden = true;
  controls.prepend(open);
  onKey("b", () => panel.next(open));
  document.addEventListener("scene", async ({ detail }) => {
    panel.scene = detail;
    await panel.loadBets();
    open.hidden = !panel.ofScene().length;
  });
}

class Panel {
  constructor(root, lab, room) {
    this.root = root;
    this.lab = lab;
    this.phones = room;
    this.scene = "";
    this.bets = [];
    /** @type {{bet: any, choice: string | null}} */
    this.room = { bet: null, choice: null };
    this.question = h("h2", { id: "bet-question" });
    this.words = h("p", { class: "bet-words", role: "status" });
    this.buttons = h("div", { class: "bet-buttons" });
    root.append(h("div", { class: "bet-head" }, this.question, this.buttons), this.words);
    this.showLink();
    room.subscribe((known) => this.take(known));
    lab.subscribe(({ state }) => state && this.draw());
  }

  /** Where phones vote: an address that they reach, with its code, or else this machine's own. */
  async showLink() {
    this.link = new URL("/view", location.href).href;
    if (isViewer) return;
    const { url } = await get("/api/link").catch(() => ({ url: null }));
    if (!url) return;
    this.link = url;
    this.code = h("img", { class: "bet-code", src: "/qr.svg", alt: `QR code of ${url}` });
    if (this.room.bet) this.rebuild();
  }

  take(room) {
    const before = this.room.bet;
    this.room = room;
    const isNew = room.bet && `${room.bet.id} ${room.bet.phase} ${room.bet.round}` !== `${before?.id} ${before?.phase} ${before?.round}`;
    if (isNew) this.isAway = false;
    this.rebuild();
    if (isNew && isViewer && room.bet.phase === "open") scrollTo(0, 0); // whoever has scrolled down sees that there is a vote
    if (!isViewer && isNew) this.loadBets();
    this.draw();
  }

  rebuild() {
    const { bet } = this.room;
    this.ballot?.options.remove();
    this.ballot?.results.remove();
    this.code?.remove();
    this.ballot = bet && new Ballot(bet, isViewer && bet.phase === "open" ? (key) => this.choose(key) : null);
    if (!bet) return;
    this.root.append(this.ballot.options, this.ballot.results);
    if (this.code && bet.phase === "open") this.root.append(this.code);
    say(this.question, bet.question);
    this.buttons.replaceChildren(...(isViewer ? [] : this.presentersButtons(bet)));
  }

  presentersButtons(bet) {
    const button = (text, key, action) => {
      const made = h("button", { type: "button", class: `button ${key ? "strong" : ""}`, onclick: () => busy(made, action) }, text, key && h("span", { class: "key", "aria-hidden": "true" }, key));
      return made;
    };
    const act = (action) => () => this.act(bet, action);
    if (bet.phase === "open") return [button("Close the vote", "B", act("close"))];
    const away = button("Put away", bet.phase === "revealed" && "B", async () => this.putAway());
    const measured = new Set(bet.results?.filter((result) => result.measured).flatMap((result) => result.options));
    const toPlay = bet.options.filter((option) => option.with.length && !measured.has(option.key));
    const plays = toPlay.map((option) => button(`Play: ${option.text}`, "", () => this.play(bet, option)));
    if (bet.phase === "revealed") return [...plays, away];
    return [...plays, bet.round === 1 && button("Vote again", "", act("open")), button("Reveal", "B", act("reveal")), away].filter(Boolean);
  }

  draw() {
    const { bet, choice } = this.room;
    this.root.hidden = !bet || Boolean(this.isAway);
    if (!bet) return;
    const isPlayed = this.lab.now.state.scene?.name === bet.scene;
    this.root.classList.toggle("deciding", isPlayed && bet.phase === "closed");
    set(this.root, "data-phase", bet.phase);
    say(this.words, this.wordsFor(bet, choice, isPlayed));
    this.ballot.show(bet, choice);
  }

  wordsFor(bet, choice, isPlayed) {
    if (bet.phase === "open" && isViewer) return choice ? "Your vote is in. You may change it until the vote is closed." : "Choose one.";
    if (bet.phase === "open") return `${bet.round > 1 ? "Talk with your neighbour, then vote again" : "Vote on your phone"}: ${this.link}`;
    if (bet.phase === "closed") return isPlayed ? "The vote is closed. The lab decides now." : "The vote is closed.";
    return bet.right.length ? "The lab has decided." : isPlayed ? "The lab decides now." : "The lab has not measured it yet.";
  }

  async loadBets() {
    this.bets = await get("/api/bets").then(({ bets }) => bets, () => this.bets);
  }

  ofScene() {
    return this.bets.filter((bet) => bet.scene === this.scene);
  }

  /** What comes next: open, close, reveal, put away. */
  next(button) {
    const { bet } = this.room;
    const isShown = bet && !this.isAway;
    if (isShown && bet.phase === "revealed") return this.putAway();
    if (isShown && bet.phase === "closed" && this.lab.now.state.scene?.name !== bet.scene) {
      const isAsItIs = bet.options.every((option) => !option.with.length);
      return tell("info", `The vote is closed: ${isAsItIs ? "start the scene" : "play the scene with each option"}, then B reveals.`);
    }
    const action = !isShown ? "open" : bet.phase === "open" ? "close" : "reveal";
    const wanted = isShown ? bet : (this.ofScene().find((each) => each.phase !== "revealed") ?? this.ofScene()[0]);
    if (!wanted) return tell("info", "This scene has no bet.");
    return busy(button, () => this.act(wanted, action));
  }

  async act(bet, action) {
    await post(`/api/bets/${bet.id}`, { action });
    this.isAway = false;
    await this.lab.refresh();
  }

  async play(bet, option) {
    await post(`/api/scenes/${encodeURIComponent(bet.scene)}`, { with: option.with });
    await this.lab.refresh();
  }

  putAway() {
    this.isAway = true;
    this.draw();
  }

  async choose(key) {
    try {
      this.phones.take(await sendFromRoom("/api/room/votes", { bet: this.room.bet.id, choice: key }));
    } catch (error) {
      tell("error", inWords(error));
    }
  }
}
