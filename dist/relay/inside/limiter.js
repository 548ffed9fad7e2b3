// The rate limits of the relay, counted in this process. It has the interface of the platform's binding:
// `limit({ key })` answers `{ success }`.
//
// workerd runs a Worker in one isolate on one thread, and only the edge asks. So these maps are the one place in
// which requests are counted. They are empty again after a restart.

// How many keys one limit counts for themselves. Beyond that, further keys share the slots below, so that an
// attacker with many addresses fills no memory. A slot is refused sooner than a key of its own would be.
const KEYS = 100_000;
const SLOTS = 1024;

function slot(key) {
  let hash = 0;
  for (let at = 0; at < key.length; at++) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0;
  return `slot ${(hash >>> 0) % SLOTS}`;
}

// Allows `limit` requests of a key in `period` seconds. A key's window begins with its first request.
export class Limiter {
  // The keys in the order in which their windows end, because all windows have the same length.
  #windows = new Map();

  constructor(limit, period, { now = Date.now, keys = KEYS } = {}) {
    Object.assign(this, { most: limit, span: period * 1000, now, keys });
  }

  // Whether one more request of this key may pass.
  allows(key) {
    const now = this.now();
    for (const [old, { ends }] of this.#windows) {
      // Also if the clock has gone back since.
      if (ends > now && ends <= now + this.span) break;
      this.#windows.delete(old);
    }
    const isFull = this.#windows.size >= this.keys && !this.#windows.has(key);
    const name = isFull ? slot(key) : key;
    const window = this.#windows.get(name) ?? { count: 0, ends: now + this.span };
    this.#windows.set(name, window);
    window.count = Math.min(window.count + 1, this.most + 1);
    return window.count <= this.most;
  }

  // How many keys it remembers.
  get size() {
    return this.#windows.size;
  }
}

// The Worker accepts a binding by the name of its class.
class Ratelimit {
  #limiter;

  constructor(limit, period) {
    this.#limiter = new Limiter(limit, period);
  }

  async limit({ key }) {
    return { success: this.#limiter.allows(key) };
  }
}

// What workerd calls to make the binding. The inner bindings are the numbers of the limit.
export default ({ limit, period }) => new Ratelimit(limit, period);
