// Parts of the page that are loaded when they are first needed, so that a conversation without them is lighter.

/**
 * Stands for an object that is made later. What it is told meanwhile, it gets in order, and the last of what
 * it is told again and again.
 */
export class Later {
  #load;
  #made;
  #loading = false;
  #calls = [];
  #failed;

  /** `load` resolves with the object. `failed` is called if it cannot be loaded. */
  constructor(load, failed) {
    this.#load = load;
    this.#failed = failed;
  }

  /** Calls a method of the object, which is made now if it was not. */
  call(method, ...values) {
    if (this.#made) return this.#made[method](...values);
    this.#calls.push([method, values]);
    return this.need();
  }

  /** Calls a method of the object as soon as it is there, which need not be soon. Only the last such call of
   *  a method counts. */
  tell(method, ...values) {
    if (this.#made) return this.#made[method](...values);
    this.#calls = this.#calls.filter(([other]) => other !== method);
    this.#calls.push([method, values]);
    return undefined;
  }

  /** Makes the object, if it was not. */
  async need() {
    if (this.#loading) return;
    this.#loading = true;
    try {
      const made = await this.#load();
      for (const [method, values] of this.#calls) made[method](...values);
      this.#calls = [];
      this.#made = made;
    } catch (error) {
      // Perhaps there is no connection now: it is tried again when it is needed again.
      this.#loading = false;
      this.#failed(error);
    }
  }
}

/** Until the panel with the files is loaded, a file that is dropped must not open in place of the page. Once it
 *  is, the panel takes drops itself, before they come here. */
export function keepDrops(files) {
  const keep = (event) => {
    if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (event.type === "drop") files.call("offer", [...event.dataTransfer.files]);
    else files.need();
  };
  for (const type of ["dragenter", "dragover", "drop"]) document.addEventListener(type, keep);
}

/** The browser's own search cannot find what is not on the page. Where that is so, the page's own comes in its
 *  place, and the browser's when it is asked for once more. */
export function keepFind(find, isPartial) {
  // Nothing looks for the words yet.
  document.getElementById("search").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("keydown", (event) => {
    const isFind = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "f";
    if (!isFind || !isPartial() || document.activeElement.id === "search-text" || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    find();
  });
}
