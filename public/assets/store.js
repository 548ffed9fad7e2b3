// What this browser keeps: for all its pages (`lasting`), or for one tab (`passing`). Where a browser stores
// nothing, nothing is there, and nothing fails.

class Store {
  #open;

  /** `open` gives the browser's storage; it may throw. */
  constructor(open) {
    this.#open = open;
  }

  /** The text under a name; `null` if there is none. */
  text(name) {
    try {
      return this.#open().getItem(name);
    } catch {
      return null; // Storage is off.
    }
  }

  /** The value under a name; nothing if there is none, or it is damaged. */
  value(name) {
    try {
      return JSON.parse(this.text(name)) ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps a text, or another value as JSON; removes what is there if there is none. Says whether it is kept. */
  keep(name, value) {
    try {
      if (value === undefined) this.#open().removeItem(name);
      else this.#open().setItem(name, typeof value === "string" ? value : JSON.stringify(value));
      return true;
    } catch {
      return false; // Storage is off or full.
    }
  }

  /** All names. */
  get names() {
    try {
      const storage = this.#open();
      return Array.from({ length: storage.length }, (_, at) => storage.key(at));
    } catch {
      return []; // Storage is off.
    }
  }
}

export const lasting = new Store(() => localStorage);
export const passing = new Store(() => sessionStorage);
