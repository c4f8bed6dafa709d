/** What the room knows: the bet and the drill before it, and what this device has said. Asked for only when it changed. */

import { get } from "./api.js";

export class Room {
  /** @param {import("./lab.js").Lab} lab */
  constructor(lab) {
    this.listeners = [];
    this.now = null;
    lab.subscribe(({ state }) => state && this.follow(state.room_revision));
  }

  /** Call `listener` with what is known, and again whenever it changes. */
  subscribe(listener) {
    this.listeners.push(listener);
    if (this.now) listener(this.now);
  }

  /** A room of phones looks at this each second: it asks only for another revision. */
  async follow(revision) {
    if (revision === this.revision) return;
    try {
      const room = await get("/api/room");
      this.revision = revision;
      this.take(room);
    } catch {
      // the next snapshot asks again
    }
  }

  /** Tell of this: an answer to what this device has just sent, too. */
  take(room) {
    this.now = { ...this.now, ...room };
    for (const listener of this.listeners) listener(this.now);
  }
}
