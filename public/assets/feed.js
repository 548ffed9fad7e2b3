// Reads the messages of a session as they are sent: over a WebSocket, over server-sent events where
// sockets do not work, or by long polls where neither works. All three use the same cursor.
//
// Every connection begins with a poll. Its answer tells what is true now: new messages, or that the seat
// or the session is gone.

import { Refused, call, follower, identity, isPassing, parse, pause, sessionPath, sleep } from "./api.js";

/** How long a connection may be silent. The relay answers pings, and sends comments on event streams. */
const SILENCE = 45_000;
const PING = 20_000;
/** How long a connection may take to begin, and to answer when it may be dead. */
const BEGINNING = 10_000;
const DOUBT = 5_000;

/** How long a connection must last to count as working. */
const LIFE = 10_000;
/** How many short-lived connections of one kind are tried before the next kind. */
const TRIES = 2;
/** When to try sockets again: the cause may be gone. */
const RETURN = 600_000;

/** A cursor after every message: the relay answers with where the log ends. */
export const NEWEST = String(2n ** 53n - 1n);

/**
 * Reads until the session is over or `stop` is called.
 * - `on.message` gets each message once, in order.
 * - `on.event` gets events that are not in the log.
 * - `on.state` gets `connecting`, `socket`, `events`, `polling` or `waiting`.
 * - `on.progress` is called after each page of earlier messages.
 * - `on.caughtUp` is called once, when all earlier messages have been read.
 * - `on.end` gets the error that ended it.
 * It begins after the cursor `after`; without one, with the first message.
 */
export class Feed {
  #seat;
  #on;
  #cursor;
  #stopped = new AbortController();
  #wake = () => {};
  #doubt = () => {};
  #readyAt;
  #returnAt = Infinity;

  constructor(seat, on, after) {
    this.#seat = seat;
    this.#on = on;
    this.#cursor = after;
    addEventListener("online", () => this.hurry());
    // A page that comes back out of the browser's cache has lost its connection meanwhile.
    addEventListener("pageshow", ({ persisted }) => persisted && this.hurry());
    this.#run();
  }

  /** The cursor of the last message that was read. */
  get cursor() {
    return this.#cursor ?? "0";
  }

  stop() {
    this.#stopped.abort();
    this.#wake();
  }

  /** Ends a pause at once, and checks that an open connection is alive. */
  hurry() {
    this.#wake();
    this.#doubt();
  }

  async #run() {
    const ways = [() => this.#socket(), () => this.#events(), () => this.#longPoll()];
    let [way, failures, broken, caughtUp] = [0, 0, 0, false];
    this.#on.state("connecting");
    while (!this.#stopped.signal.aborted) {
      try {
        while (await this.#poll(0)) this.#on.progress();
        failures = 0;
        if (!caughtUp) this.#on.caughtUp();
        caughtUp = true;
        if (performance.now() > this.#returnAt) [way, broken, this.#returnAt] = [0, 0, Infinity];
        this.#readyAt = Infinity;
        await ways[way]();
        this.#doubt = () => {};
        this.#on.state("connecting");
        if (performance.now() - this.#readyAt >= LIFE) {
          broken = 0;
          continue;
        }
        broken += 1;
        failures = broken - 1;
        if (broken >= TRIES && way < ways.length - 1) {
          [way, broken] = [way + 1, 0];
          this.#returnAt = Math.min(this.#returnAt, performance.now() + RETURN);
        }
        throw new Error("the connection did not last");
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        if (error instanceof Refused && !isPassing(error)) return this.#on.end(error);
        failures += 1;
        this.#on.state("waiting");
        const awake = new Promise((wake) => (this.#wake = wake));
        await Promise.race([sleep(pause(failures, error)), awake]);
      }
    }
  }

  #accept(message) {
    // A message can arrive twice when one connection follows another.
    if (this.#cursor !== undefined && BigInt(message.cursor) <= BigInt(this.#cursor)) return;
    this.#cursor = message.cursor;
    this.#on.message(message);
  }

  #path(rest) {
    return sessionPath(this.#seat.session, rest);
  }

  /** Reads one page. Returns whether there is more. */
  async #poll(wait) {
    // One's own messages come, too: another tab of the same seat may have sent them.
    const query = new URLSearchParams({ limit: 500, events: true });
    if (this.#cursor !== undefined) query.set("after", this.#cursor);
    if (wait) query.set("wait", wait);
    const request = { seat: this.#seat, signal: this.#stopped.signal, wait };
    const page = await call("GET", this.#path(`/messages?${query}`), request);
    page.messages.forEach((message) => this.#accept(message));
    // If the log ends before the cursor, this is the true end of the log.
    this.#cursor = page.nextCursor;
    return page.hasMore;
  }

  /** Takes a frame of a socket, or an event of a stream. */
  #frame({ type, ...rest }) {
    if (type === "message") this.#accept(rest);
    else if (type === "reset") this.#cursor = rest.cursor;
    else if (type === "event") this.#on.event(rest);
  }

  /** All earlier messages have been read. From now on messages arrive as they are sent. */
  #ready(state) {
    this.#readyAt = Math.min(this.#readyAt, performance.now());
    this.#on.state(state);
  }

  /** Each kind of connection resolves when it is over. The poll that follows finds out why. */
  #socket() {
    return new Promise((over) => {
      const url = new URL(this.#path(`/ws?after=${this.cursor}&events=true`), location.href);
      url.protocol = url.protocol.replace("http", "ws");
      const who = ["nexus", `agent.${this.#seat.agent}`, `key.${this.#seat.key}`];
      let socket;
      try {
        socket = new WebSocket(url, who);
      } catch {
        return over(); // The browser has no sockets; the next kind is tried.
      }
      const ping = () => socket.readyState === WebSocket.OPEN && socket.send("ping");
      const pings = setInterval(ping, PING);
      // Does not wait for `close`, which comes late on a dead connection.
      const end = () => {
        watch.end();
        clearInterval(pings);
        this.#stopped.signal.removeEventListener("abort", end);
        socket.close();
        over();
      };
      const watch = watchdog(end);
      this.#stopped.signal.addEventListener("abort", end);
      this.#doubt = () => {
        ping();
        watch.hurry();
      };
      socket.addEventListener("message", ({ data }) => {
        watch.feed();
        if (data === "pong") return;
        const frame = parse(data);
        if (frame.type === "ready") this.#ready("socket");
        else this.#frame(frame);
      });
      socket.addEventListener("close", end);
    });
  }

  async #events() {
    const silent = follower(this.#stopped.signal);
    const watch = watchdog(() => silent.abort());
    const back = setTimeout(() => silent.abort(), this.#returnAt - performance.now());
    try {
      // Not an EventSource, which would need the key in the address.
      const response = await fetch(this.#path(`/events?after=${this.cursor}&events=true`), {
        headers: { Accept: "text/event-stream", ...identity(this.#seat) },
        signal: silent.signal,
      });
      if (!response.ok) return;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let text = ""; ; ) {
        const { done, value } = await reader.read();
        if (done) return;
        watch.feed();
        const blocks = (text + value).split("\n\n");
        text = blocks.pop();
        for (const block of blocks) {
          const { type, data } = readEvent(block);
          if (type === "ready") this.#ready("events");
          else if (data && type !== "end") this.#frame({ ...parse(data), type });
        }
      }
    } catch {
      // It broke.
    } finally {
      clearTimeout(back);
      watch.end();
      silent.unfollow();
    }
  }

  async #longPoll() {
    this.#ready("polling");
    try {
      while (!this.#stopped.signal.aborted && performance.now() < this.#returnAt) await this.#poll(25);
    } catch {
      // It broke.
    }
  }
}

/** Calls `bark` if it has not been fed for a while. */
function watchdog(bark) {
  let timer = setTimeout(bark, BEGINNING);
  const within = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(bark, ms);
  };
  return { feed: () => within(SILENCE), hurry: () => within(DOUBT), end: () => clearTimeout(timer) };
}

function readEvent(block) {
  const field = (name) => block.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  return { type: field("event") ?? "message", data: field("data") };
}
