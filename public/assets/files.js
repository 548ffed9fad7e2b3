// The panel with the files of a conversation, and the ways in which a person adds one: a button, a drop
// anywhere on the page, and what the composer offers that was pasted.

import { Refused, call, callPatiently, identity, sessionPath } from "./api.js";
import { FileRow } from "./filerow.js";
import { filePath, shown, sizeOf } from "./names.js";
import { make } from "./page.js";
import { arrange, panel } from "./panel.js";
import { explain } from "./sentences.js";
import { Shelf } from "./shelf.js";

/** How long a download may take. */
const WHOLE = 60_000;
/** How many files are listed at first, and with each "Show more". */
const DRAWN = 60;

const EMPTY =
  "Share a document, a picture or data with everybody here: by the button, by dropping it anywhere on this page, or by " +
  "pasting it into your message. Agents can read it and save new versions. ";

/** The name of a pasted image says nothing: browsers call each of them the same. */
function named(file) {
  if (file.name && file.name !== "image.png") return file;
  const stamp = new Date().toISOString().slice(0, 19).replace(/[T:]/g, "-");
  const end = /^image\/(png|jpeg|gif|webp)$/.exec(file.type)?.[1] ?? "bin";
  return new File([file], `pasted-${stamp}.${end}`, { type: file.type });
}

export class Files {
  #seat;
  #on;
  #root;
  #panel;
  #uploads;
  #hint;
  #input;
  #drop;
  #rows = new Map();
  #changed = new Set();
  #order = [];
  #drawn = DRAWN;
  #frame;
  #limit;
  #inSight = false;
  #isListed = false;
  #isOver = false;
  #unseen = new Set();
  #waiting = new Set();
  #hasBegun = false;
  members;
  shelf = new Shelf();

  /** `on.count` gets how many files are new and how many uploads wait for a choice; `on.changed` is
   *  called when this person has changed one, `on.open` when the panel must be seen; `on.failed` gets what
   *  went wrong. */
  constructor(seat, members, root, on) {
    this.#seat = seat;
    this.#on = on;
    this.#root = root;
    this.members = members;
    this.#build();
    this.#watch();
    this.#soon();
  }

  /** Takes a message of kind "file". */
  take(message) {
    const { event, file } = message.json ?? {};
    if (!file?.key) return;
    if (event === "deleted") this.shelf.remove(file.key, message.cursor);
    else if (!this.shelf.save(file)) return;
    if (this.#hasBegun && message.agentId !== this.#seat.agent) {
      if (event === "deleted") this.#unseen.delete(file.key);
      else if (!this.#inSight || document.hidden) this.#unseen.add(file.key);
    }
    this.#changed.add(file.key);
    this.#soon();
  }

  /** Somebody has looked who is here. */
  tell(isChanged) {
    this.#hasBegun = true;
    if (isChanged) this.#redraw();
    if (!this.#isListed) this.#look();
  }

  /** Shares files: of a drop, a paste or a choice. Says whether there was one. */
  async offer(files) {
    const all = [...(files ?? [])].map(named);
    if (this.#isOver || !all.length) return false;
    await this.#learnLimit();
    let Upload;
    try {
      ({ Upload } = await import("./upload.js"));
    } catch (error) {
      this.#on.failed(`Not shared. ${explain(error)}`);
      return false;
    }
    for (const file of all) {
      const upload = new Upload(this.#seat, file, this, this.#limit);
      this.#uploads.append(upload.element);
    }
    if (this.#waiting.size) this.#choose();
    this.#soon();
    return true;
  }

  /** Brings a file into sight, and puts the focus on it; says whether there is such a file. */
  reveal(key) {
    if (!this.shelf.find(key)) return false;
    this.#order = [key, ...this.#order.filter((other) => other !== key)];
    this.#draw();
    this.#rows.get(key).element.querySelector("button").focus();
    return true;
  }

  /** The conversation is over: nothing more can be shared or deleted. */
  close() {
    this.#isOver = true;
    this.#drop.hidden = true;
    this.#root.querySelectorAll("button, input").forEach((field) => (field.disabled = true));
  }

  // What uploads and rows ask for.

  find(key) {
    return this.shelf.find(key);
  }

  say(words) {
    this.#panel.said.textContent = words;
  }

  saved(file) {
    this.shelf.save(file);
    this.#changed.add(file.key);
    this.say(`Shared: ${shown(file.key)}`);
    this.#soon();
    this.#on.changed();
  }

  gone(upload) {
    this.#waiting.delete(upload);
    this.#soon();
  }

  choosing(upload) {
    this.#waiting.add(upload);
    // The first ones ask before they stand on the page.
    if (upload.element.isConnected) this.#choose();
    this.#soon();
  }

  /** The bytes of a file, or of one version. */
  async read(key, wanted) {
    const { lock } = this.#seat;
    const version = wanted ?? (lock && this.shelf.find(key).version);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), WHOLE);
    try {
      const query = version ? `?version=${version}` : "";
      const response = await fetch(filePath(this.#seat.session, key) + query, { headers: identity(this.#seat), signal: late.signal });
      if (!response.ok) throw new Refused(response.status, await response.json(), Number(response.headers.get("Retry-After")));
      const bytes = new Uint8Array(await response.arrayBuffer());
      return lock ? await lock.file(this.shelf.versions(key).find((one) => one.version === version), bytes) : bytes;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Deletes a file if it is still at this version. */
  async remove(key, version) {
    const headers = { "If-Match": `"${version}"` };
    try {
      await callPatiently("DELETE", filePath(this.#seat.session, key), { seat: this.#seat, headers });
    } catch (error) {
      if (error.code !== "version_conflict" || this.find(key)?.version !== version) throw error;
      // A lost answer may have been the one that deleted it: what is true now, the list says.
      await this.#look();
      if (this.find(key)) throw error;
    }
    const at = this.#order.indexOf(key);
    this.shelf.remove(key, this.find(key)?.cursor ?? "0");
    this.say(`Deleted: ${shown(key)}`);
    this.#draw();
    this.#on.changed();
    const next = this.#rows.get(this.#order[Math.min(at, this.#order.length - 1)]);
    (next?.element.querySelector("button") ?? this.#panel.button).focus();
  }

  #build() {
    const more = () => {
      this.#drawn += DRAWN;
      this.#soon();
    };
    this.#panel = panel(this.#root, { id: "files", heading: "Files", action: "Share a file", list: "files", more });
    const { button, empty, head } = this.#panel;
    this.#input = make("input", { type: "file", multiple: true, hidden: true });
    this.#input.setAttribute("aria-label", "Files to share");
    this.#input.addEventListener("change", () => {
      const files = [...this.#input.files];
      // The same file can be chosen again.
      this.#input.value = "";
      this.offer(files);
    });
    button.addEventListener("click", () => this.#input.click());
    head.append(this.#input);
    this.#uploads = make("ul", { className: "plain uploads" });
    this.#uploads.setAttribute("aria-label", "Being shared");
    head.after(this.#uploads);
    empty.firstChild.textContent = "No files yet";
    this.#hint = make("span", {});
    empty.lastChild.append(EMPTY, this.#hint);
    this.#drop = make("div", { className: "dropping", hidden: true }, make("p", {}, "Drop it here to share it with everybody in this conversation"));
    document.body.append(this.#drop);
  }

  #watch() {
    new IntersectionObserver(([{ isIntersecting }]) => {
      if (isIntersecting && !this.#inSight) this.#order = this.shelf.keys;
      this.#inSight = isIntersecting;
      this.#see();
    }).observe(this.#root);
    document.addEventListener("visibilitychange", () => this.#see());
    setInterval(() => this.#inSight && !document.hidden && this.#redraw(), 30_000);
    addEventListener("beforeunload", (event) => {
      if (this.#isOver || !this.#uploads.childElementCount) return;
      event.preventDefault();
      // Browsers before 2023 need this.
      event.returnValue = "A file is being shared.";
    });
    const holdsFiles = ({ dataTransfer }) => !this.#isOver && this.#root.isConnected && [...(dataTransfer?.types ?? [])].includes("Files");
    addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      this.#drop.hidden = false;
    }, true);
    addEventListener("dragleave", ({ relatedTarget }) => (this.#drop.hidden ||= !relatedTarget));
    addEventListener("drop", (event) => {
      this.#drop.hidden = true;
      if (!holdsFiles(event)) return;
      event.preventDefault();
      const items = [...event.dataTransfer.items];
      const hasFolder = items.some((item) => item.webkitGetAsEntry?.()?.isDirectory);
      if (hasFolder) return this.#on.failed("A folder cannot be shared. Choose the files in it.");
      this.offer(event.dataTransfer.files);
    }, true);
  }

  #see() {
    if (!this.#inSight || document.hidden) return;
    this.#unseen.clear();
    this.#soon();
  }

  async #learnLimit() {
    if (this.#limit) return;
    try {
      const { capabilities } = await call("GET", "/health");
      // What is sealed is a third longer, and filled up.
      this.#limit = Math.floor(capabilities.maxFileBytes * (this.#seat.lock ? 0.72 : 1));
      if (this.#limit) this.#hint.textContent = `Up to ${sizeOf(this.#limit)} each.`;
    } catch {
      // The relay says so itself if a file is too large.
    }
  }

  async #look() {
    this.#isListed = true;
    this.#learnLimit();
    try {
      const listed = new Set();
      for (let after = ""; ; ) {
        const page = await call("GET", sessionPath(this.#seat.session, `/files?limit=1000${after}`), { seat: this.#seat });
        for (const file of page.files) {
          listed.add(file.key);
          if (this.shelf.save(file)) this.#changed.add(file.key);
        }
        if (!page.hasMore) break;
        after = `&after=${encodeURIComponent(page.nextAfter)}`;
      }
      this.#soon();
    } catch {
      this.#isListed = false; // The next look asks again.
    }
  }

  /** Shows what waits for a choice. */
  #choose() {
    const [upload] = this.#waiting;
    if (!this.#inSight) this.#on.open();
    this.say("A file waits for your choice.");
    // Nothing is taken from somebody who is writing.
    if ([document.body, this.#panel.button].includes(document.activeElement)) upload.focus();
  }

  #soon() {
    this.#frame ??= document.hidden ? setTimeout(() => this.#draw(), 200) : requestAnimationFrame(() => this.#draw());
  }

  #redraw() {
    for (const key of this.#rows.keys()) this.#changed.add(key);
    this.#soon();
  }

  #draw() {
    this.#frame = undefined;
    const known = new Set(this.#order);
    this.#order = [...this.shelf.keys.filter((key) => !known.has(key)), ...this.#order.filter((key) => this.shelf.find(key))];
    const shown = this.#order.slice(0, this.#drawn);
    this.#arrange(shown);
    this.#changed.clear();
    this.#panel.more.hidden = this.#order.length <= this.#drawn;
    this.#panel.empty.hidden = this.#order.length > 0 || this.#uploads.childElementCount > 0;
    this.#uploads.hidden = !this.#uploads.childElementCount;
    this.#on.count(this.#unseen.size + this.#waiting.size);
  }

  #arrange(keys) {
    const wanted = new Set(keys);
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      const held = row.element.contains(document.activeElement);
      row.element.remove();
      this.#rows.delete(key);
      if (held) this.#panel.button.focus();
    }
    for (const key of keys) {
      const row = this.#rows.get(key);
      if (!row) this.#rows.set(key, new FileRow(key, this));
      else if (this.#changed.has(key)) row.update();
    }
    arrange(this.#panel.list, keys.map((key) => this.#rows.get(key).element));
  }
}
