// One file on its way to the others: its progress, and the choices when its name does not fit or is taken.
// It is loaded with the first file.

import { identity, isPassing, pause, random, Refused, sleep } from "./api.js";
import { make } from "./page.js";
import { another, cleaned, filePath, shown, sizeOf, wrongWith } from "./names.js";
import { explain } from "./sentences.js";
import { ago } from "./time.js";

/** How often an upload is tried that gets no answer. */
const TRIES = 4;
/** How long nothing may move. */
const STALL = 60_000;

/** Sends bytes once. `on.progress` gets a number from 0 to 1; `on.begun` what stops it. */
function put(path, headers, body, on) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    let timer;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), STALL);
    };
    request.upload.onprogress = ({ loaded, total }) => {
      wait();
      on.progress(total ? loaded / total : 1);
    };
    request.onload = () => {
      let answer;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        return fail(new Error("no proper answer"));
      }
      if (request.status < 300) return done(answer);
      const refused = new Refused(request.status, answer, Number(request.getResponseHeader("Retry-After")));
      fail(Object.assign(refused, { version: answer.version }));
    };
    request.onerror = () => fail(new Error("no answer"));
    request.onabort = request.onerror;
    request.onloadend = () => clearTimeout(timer);
    request.open("PUT", path);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    on.begun(() => request.abort());
    wait();
    request.send(body);
  });
}

export class Upload {
  #seat;
  #file;
  #desk;
  #stop = () => {};
  #isOver = false;
  #choice;
  #said;
  #body;

  /** `desk` knows the files that there are (`find`), the `members`, and is told: `saved(file)`, `gone(upload)`,
   *  `choosing()`, `say(words)`. `limit` is the most bytes of a file. */
  constructor(seat, file, desk, limit) {
    this.#seat = seat;
    this.#file = file;
    this.#desk = desk;
    const { name } = this;
    this.#said = make("p", { className: "problem" });
    this.#said.setAttribute("role", "alert");
    this.#body = make("div", {});
    this.element = make("li", { className: "upload" }, make("bdi", { className: "file-name" }, shown(name)), make("span", { className: "hint" }, ` ${sizeOf(file.size)}`), this.#said, this.#body);
    if (limit && file.size > limit) return this.#refuse(`This file is too large: at most ${sizeOf(limit)} can be shared. Make it smaller, or share a link to it.`);
    const proper = cleaned(name);
    if (proper !== name.normalize("NFC")) this.#askForName(proper, "This name cannot be used as it is.");
    else this.#begin(proper);
  }

  get name() {
    return this.#file.name || "file";
  }

  /** Whether it waits for the person to choose. */
  get isWaiting() {
    return Boolean(this.#choice);
  }

  /** Puts the focus on the choice. */
  focus() {
    this.#body.querySelector("input, button")?.focus();
  }

  /** Gives it up. */
  end() {
    this.#isOver = true;
    this.#stop();
    this.element.remove();
    this.#desk.gone(this);
  }

  #begin(key) {
    const known = this.#desk.find(key);
    if (known) this.#askAboutConflict(key, known.version);
    else this.#send(key, { "If-None-Match": "*" });
  }

  async #send(key, condition) {
    const bar = make("progress", { max: 1, value: 0 });
    bar.setAttribute("aria-label", `Upload of ${shown(key)}`);
    this.#show(bar, this.#button("Stop", "quiet", () => this.end()));
    const { lock } = this.#seat;
    const base = condition["If-Match"]?.slice(1, -1);
    let body = lock ? undefined : this.#file;
    const type = lock ? "application/jose" : this.#file.type;
    const headers = {
      ...identity(this.#seat),
      ...condition,
      "Content-Type": /^[\x21-\x7e ]{1,100}$/.test(type) ? type : "application/octet-stream",
      "Idempotency-Key": random(),
    };
    const on = { progress: (part) => (bar.value = part), begun: (stop) => (this.#stop = stop) };
    for (let failures = 1; !this.#isOver; failures += 1) {
      try {
        body ??= await lock.fileBody(key, this.#file, base && Number(base));
        const saved = await put(filePath(this.#seat.session, key), headers, body, on);
        this.end();
        return this.#desk.saved(saved);
      } catch (error) {
        if (this.#isOver) return undefined;
        if (!isPassing(error) || failures === TRIES || error.retryAfter > 10) return this.#failed(key, condition, error);
        await sleep(pause(failures, error));
      }
    }
    return undefined;
  }

  #failed(key, condition, error) {
    if (error.code === "version_conflict") {
      // It was deleted meanwhile: then there is nothing to replace.
      if (!error.version) return this.#send(key, { "If-None-Match": "*" });
      return this.#askAboutConflict(key, error.version, Boolean(condition["If-Match"]));
    }
    if (error.code === "invalid_request") return this.#askForName(key, "The relay does not take this name. It may look like a secret.");
    if (error.code === "file_too_large" || error.code === "storage_full") return this.#refuse(explain(error));
    return this.#refuse(`Not uploaded. ${explain(error)}`, this.#button("Try again", "quiet", () => this.#send(key, condition)));
  }

  #askAboutConflict(key, version, isAgain = false) {
    const known = this.#desk.find(key);
    const by = known?.version === version ? [" by ", this.#desk.members.person(known.editor), `, ${ago(known.updatedAt)}`] : [];
    const words = make("p", {}, isAgain ? "Somebody has changed it meanwhile. Now there is version " : "There is already a file with this name: version ", String(version), ...by, ".");
    const form = this.#nameForm(another(key, (name) => this.#desk.find(name)), "Keep both");
    const replace = this.#button("Replace it", "quiet", () => this.#send(key, { "If-Match": `"${version}"` }));
    form.querySelector(".actions").insertBefore(replace, form.querySelector("[data-close]"));
    this.#ask(words, form);
  }

  #askForName(name, words) {
    this.#ask(make("p", {}, words), this.#nameForm(name, "Upload"));
  }

  #nameForm(name, submit) {
    const field = make("input", { value: name, required: true, autocomplete: "off", spellcheck: false });
    const label = make("label", {}, "Name", field);
    field.addEventListener("input", () => field.setCustomValidity(wrongWith(field.value)));
    const close = this.#button("Cancel", "bare", () => this.end());
    close.dataset.close = "";
    const form = make("form", {}, label, make("div", { className: "actions" }, make("button", { className: "small" }, submit), close));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin(field.value);
    });
    return form;
  }

  #ask(...parts) {
    this.#show(...parts);
    this.#choice = true;
    this.#desk.choosing(this);
  }

  #refuse(words, ...more) {
    this.#show(make("div", { className: "actions" }, ...more, this.#button("Dismiss", "quiet", () => this.end())));
    this.#said.textContent = words;
    this.#choice = true;
    this.#desk.choosing(this);
  }

  #show(...parts) {
    const held = this.#body.contains(document.activeElement);
    this.#choice = undefined;
    this.#said.textContent = "";
    this.#body.replaceChildren(...parts);
    if (held) this.focus();
  }

  #button(words, looks, onClick) {
    const button = make("button", { type: "button", className: `small ${looks}` }, words, make("span", { className: "unseen" }, `: ${shown(this.name)}`));
    button.addEventListener("click", onClick);
    return button;
  }
}
