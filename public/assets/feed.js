// The messages of a session, as they come: over a socket; where something on the way breaks sockets,
// by server-sent events; where it breaks those, too, by long polls. One cursor for all three.
//
// Every connection begins with a poll. So whatever happened meanwhile, an answer of the relay says
// what is true now: messages, or that the seat or the session is gone.

import { Refused, call, identity, isPassing, parse, pause, sessionPath, sleep } from "./api.js";

/** How long a connection may be silent: the relay answers pings, and event streams have comments. */
const SILENCE = 45_000;
const PING = 20_000;

/** Tries of one way before the next, while polls get through. */
const TRIES = 2;

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

  constructor(seat, on) {
    this.#seat = seat;
    this.#on = on;
    addEventListener("online", () => this.#wake());
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

  /** Looks now rather than at the end of a pause. */
  hurry() {
    this.#wake();
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
        const worked = await ways[way]();
        broken = worked ? 0 : broken + 1;
        if (broken === TRIES && way < ways.length - 1) [way, broken] = [way + 1, 0];
        if (!worked) throw new Error("the connection did not open");
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
    const request = { seat: this.#seat, signal: this.#stopped.signal };
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

  /** Each way resolves when it is over, and says whether it worked. */
  #socket() {
    return new Promise((over) => {
      const url = new URL(this.#path(`/ws?after=${this.cursor}`), location.href);
      url.protocol = url.protocol.replace("http", "ws");
      const who = ["nexus", `agent.${this.#seat.agent}`, `key.${this.#seat.key}`];
      let [socket, worked] = [undefined, false];
      try {
        socket = new WebSocket(url, who);
      } catch {
        return over(false); // There are no sockets here; the next way is tried.
      }
      const watch = watchdog(() => socket.close());
      const ping = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send("ping"), PING);
      const stop = () => socket.close();
      this.#stopped.signal.addEventListener("abort", stop);
      socket.addEventListener("message", ({ data }) => {
        watch.feed();
        if (data === "pong") return;
        const frame = parse(data);
        if (frame.type === "ready") {
          worked = true;
          this.#on.state("socket");
        } else {
          this.#frame(frame);
        }
      });
      socket.addEventListener("close", () => {
        watch.end();
        clearInterval(ping);
        this.#stopped.signal.removeEventListener("abort", stop);
        over(worked);
      });
    });
  }

  async #events() {
    const silent = new AbortController();
    const watch = watchdog(() => silent.abort());
    let worked = false;
    try {
      // Not an EventSource, which would need the key in the address.
      const response = await fetch(this.#path(`/events?after=${this.cursor}`), {
        headers: { Accept: "text/event-stream", ...identity(this.#seat) },
        signal: AbortSignal.any([this.#stopped.signal, silent.signal]),
      });
      if (!response.ok) return false;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let text = ""; ; ) {
        const { done, value } = await reader.read();
        if (done) return worked;
        watch.feed();
        const blocks = (text + value).split("\n\n");
        text = blocks.pop();
        for (const block of blocks) {
          const { type, data } = readEvent(block);
          if (type === "ready") {
            worked = true;
            this.#on.state("events");
          } else if (data && type !== "end") {
            this.#frame({ ...parse(data), type });
          }
        }
      }
    } catch {
      return worked; // However it broke, the poll that follows finds out how things are.
    } finally {
      watch.end();
    }
  }

  async #longPoll() {
    this.#on.state("polling");
    while (!this.#stopped.signal.aborted) await this.#poll(25);
    return true;
  }
}

/** Calls `bark` once when it has not been fed for a while. */
function watchdog(bark) {
  let timer = setTimeout(bark, SILENCE);
  return {
    feed() {
      clearTimeout(timer);
      timer = setTimeout(bark, SILENCE);
    },
    end() {
      clearTimeout(timer);
    },
  };
}

function readEvent(block) {
  const field = (name) => block.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  return { type: field("event") ?? "message", data: field("data") };
}
