// The messages of a session, as they come: over a socket; where something on the way breaks sockets,
// by server-sent events; where it breaks those, too, by long polls. One cursor for all three.
//
// Every connection begins with a poll. So whatever happened meanwhile, an answer of the relay says
// what is true now: messages, or that the seat or the session is gone.

import { Refused, call, identity, isPassing, parse, pause, sessionPath, sleep } from "./api.js";

/** How long a connection may be silent: the relay answers pings, and event streams have comments. */
const SILENCE = 45_000;
const PING = 20_000;
/** How long it may take to begin, and how long to answer when there is a reason for doubt. */
const BEGINNING = 10_000;
const DOUBT = 5_000;

/** How long a connection must live to count as one that works. */
const LIFE = 10_000;
/** Tries of one way before the next, while polls get through. */
const TRIES = 2;
/** When to try the first way again: what broke it may be gone. */
const RETURN = 600_000;

/**
 * Reads until the session is over or `stop` is called. `on.message` gets each message once, in order;
 * `on.event` what is not in the log; `on.state` one of `connecting`, `socket`, `events`, `polling`,
 * `waiting`; `on.caughtUp` is called once what was there at the beginning has come; `on.end` gets the
 * refusal that ended it.
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

  constructor(seat, on) {
    this.#seat = seat;
    this.#on = on;
    addEventListener("online", () => this.hurry());
    this.#run();
  }

  /** The last cursor that was read. */
  get cursor() {
    return this.#cursor ?? "0";
  }

  stop() {
    this.#stopped.abort();
    this.#wake();
  }

  /** Looks now rather than at the end of a pause, and whether an open connection is still one. */
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
        while (await this.#poll(0));
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
    // A message can come twice where one way ends and the next begins.
    if (this.#cursor !== undefined && BigInt(message.cursor) <= BigInt(this.#cursor)) return;
    this.#cursor = message.cursor;
    this.#on.message(message);
  }

  #path(rest) {
    return sessionPath(this.#seat.session, rest);
  }

  /** Reads one page. Says whether there is more. */
  async #poll(wait) {
    const query = new URLSearchParams({ limit: 200 });
    if (this.#cursor !== undefined) query.set("after", this.#cursor);
    if (wait) query.set("wait", wait);
    const request = { seat: this.#seat, signal: this.#stopped.signal, wait };
    const page = await call("GET", this.#path(`/messages?${query}`), request);
    page.messages.forEach((message) => this.#accept(message));
    this.#cursor = page.nextCursor;
    return page.hasMore;
  }

  /** A frame of a socket, or an event of a stream. */
  #frame({ type, ...rest }) {
    if (type === "message") this.#accept(rest);
    else if (type === "event") this.#on.event(rest);
  }

  /** What came is all there is; from now on messages come as they are sent. */
  #ready(state) {
    this.#readyAt = Math.min(this.#readyAt, performance.now());
    this.#on.state(state);
  }

  /** Each way resolves when it is over. However it broke, the poll that follows finds out how things are. */
  #socket() {
    return new Promise((over) => {
      const url = new URL(this.#path(`/ws?after=${this.cursor}`), location.href);
      url.protocol = url.protocol.replace("http", "ws");
      const who = ["nexus", `agent.${this.#seat.agent}`, `key.${this.#seat.key}`];
      let socket;
      try {
        socket = new WebSocket(url, who);
      } catch {
        return over(); // There are no sockets here; the next way is tried.
      }
      const ping = () => socket.readyState === WebSocket.OPEN && socket.send("ping");
      const pings = setInterval(ping, PING);
      // Nobody waits for `close`: on a dead connection it comes late.
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
    const silent = new AbortController();
    const watch = watchdog(() => silent.abort());
    const back = setTimeout(() => silent.abort(), this.#returnAt - performance.now());
    try {
      // Not an EventSource, which would need the key in the address.
      const response = await fetch(this.#path(`/events?after=${this.cursor}`), {
        headers: { Accept: "text/event-stream", ...identity(this.#seat) },
        signal: AbortSignal.any([this.#stopped.signal, silent.signal]),
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

/** Calls `bark` once when it has not been fed for a while. */
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
