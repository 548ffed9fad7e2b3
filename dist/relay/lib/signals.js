// The signals that this program gets: to stop, and to read its certificate again.

// npx passes on a Ctrl-C that the terminal has sent to its programs, too.
const ECHO_MS = 500;

const LOOK_EVERY_MS = 500;

// Follows the signals from now on. `hasBegun` says whether it was told to stop, and `signal` tells that to whoever
// waits for something else.
export class Signals {
  #stopped = new AbortController();
  #begun;
  #relay;

  constructor() {
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => this.#stop());
    if (process.platform !== "win32") process.on("SIGUSR2", () => this.#relay?.reload());
    // npx passes on no other signals, and whoever ends it means this.
    if (process.env.npm_command === "exec") this.#endWith(process.ppid);
  }

  get signal() {
    return this.#stopped.signal;
  }

  get hasBegun() {
    return this.#begun !== undefined;
  }

  // Names what is to be stopped, and how: `stop` gently, `kill` at once, `reload` to begin anew.
  follow(relay) {
    this.#relay = relay;
    if (this.hasBegun) relay.stop();
  }

  // Stops when the parent of this program is another one, because the first has ended.
  #endWith(parent) {
    const look = () => {
      if (process.ppid === parent) return;
      clearInterval(timer);
      this.#stop();
    };
    const timer = setInterval(look, LOOK_EVERY_MS).unref();
  }

  // The first one stops gently, and a later one at once.
  #stop() {
    if (this.hasBegun) {
      if (performance.now() - this.#begun > ECHO_MS) this.#relay?.kill();
      return;
    }
    this.#begun = performance.now();
    this.#stopped.abort();
    this.#relay?.stop();
  }
}
