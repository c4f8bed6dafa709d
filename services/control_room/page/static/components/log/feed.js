/** The activity log as it comes: server-sent events, or polling where no stream is to be had. No line twice, none lost. */

import { get } from "../../lib/api.js";

const POLL_MS = 2000;
const STREAM_AGAIN_MS = 20000;

export class Feed {
  /**
   * @param {(events: any[]) => void} take called with new events alone, oldest first
   * @param {(how: "live" | "polling" | "broken") => void} tell
   */
  constructor(take, tell) {
    this.take = take;
    this.tell = tell;
    this.last = 0;
  }

  /** Follow the log from now on. */
  open() {
    const source = new EventSource(`/api/events?after=${this.last}`);
    source.addEventListener("open", () => this.tell("live"));
    source.addEventListener("message", (message) => this.accept([JSON.parse(message.data)]));
    source.addEventListener("error", () => {
      // The browser comes back by itself, with the last id that it saw, unless it was refused: then all streams are taken.
      this.tell("broken");
      if (source.readyState === EventSource.CLOSED) this.poll(Date.now() + STREAM_AGAIN_MS);
    });
  }

  async poll(until) {
    try {
      const { events } = await get(`/api/events?after=${this.last}`);
      this.tell("polling");
      this.accept(events);
    } catch {
      this.tell("broken");
    }
    setTimeout(() => (Date.now() < until ? this.poll(until) : this.open()), POLL_MS);
  }

  accept(events) {
    const fresh = events.filter((event) => event.id > this.last);
    if (!fresh.length) return;
    this.last = fresh.at(-1).id;
    this.take(fresh);
  }
}
