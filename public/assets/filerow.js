// One file in the list: what it is, who wrote it, its preview, its versions, and the question before it is
// deleted. It changes in place.

import { icon } from "./icons.js";
import { savedAs, shown, sizeOf } from "./names.js";
import { make } from "./page.js";
import { save } from "./save.js";
import { explain } from "./sentences.js";
import { plain, plural } from "./text.js";
import { ago, moment } from "./time.js";

let count = 0;

/** Whatever the bytes are, no browser opens this type as a page. */
const NO_PAGE = "application/octet-stream";

export class FileRow {
  #desk;
  #key;
  #name;
  #meta;
  #buttons;
  #preview;
  #versions;
  #question;
  #problem;
  #shown;

  /** `desk` is the `Files` that it belongs to: it knows the `shelf` and the `members`, and can `read` and
   *  `remove`. */
  constructor(key, desk) {
    count += 1;
    this.#key = key;
    this.#desk = desk;
    // The last part says what it is; the folders before it stand out less.
    const cut = key.lastIndexOf("/") + 1;
    const name = make("bdi", { title: key.length > 80 ? plain(key) : "" }, shown(key.slice(cut)));
    this.#name = make("p", { id: `file-${count}`, className: "file-name" }, ...(cut ? [make("bdi", { className: "folder" }, shown(key.slice(0, cut))), " "] : []), name);
    this.#meta = make("p", { className: "file-meta" });
    this.#preview = make("div", { id: `file-preview-${count}`, className: "file-preview", hidden: true });
    this.#versions = make("ol", { id: `file-versions-${count}`, className: "plain versions", hidden: true });
    this.#question = make("div", { className: "question", hidden: true });
    this.#problem = make("p", { className: "problem" });
    this.#problem.setAttribute("role", "alert");
    this.#buttons = this.#make();
    const { look, versions, load, remove } = this.#buttons;
    const line = make("div", { className: "file-line" }, icon("file"), make("div", {}, this.#name, this.#meta), make("div", { className: "actions" }, look, versions, make("span", { className: "end" }, load, remove)));
    this.element = make("li", { className: "file" }, line, this.#question, this.#problem, this.#preview, this.#versions);
    this.element.dataset.key = key;
    this.update();
  }

  /** Shows the file as it is now. */
  update() {
    const { members, shelf } = this.#desk;
    const all = shelf.versions(this.#key);
    const [file] = all;
    const time = make("time", { dateTime: file.updatedAt, title: moment(file.updatedAt) }, ago(file.updatedAt));
    const proof = file.verified === false ? [make("span", { className: "doubt" }, " (not proven)")] : [];
    this.#meta.replaceChildren(`${sizeOf(file.size)} · `, members.person(file.editor), ...proof, " · ", time, ...(file.version > 1 ? [` · version ${file.version}`] : []));
    this.#buttons.versions.hidden = all.length < 2;
    this.#buttons.versions.firstChild.data = plural(all.length, "version");
    const shape = all.map(({ editor, version }) => `${version} ${members.words(editor)}`).join();
    if (this.#shown === shape) return;
    this.#shown = shape;
    this.#versions.replaceChildren(...all.map((one) => this.#version(one, file)));
  }

  #make() {
    const button = (words, looks, onClick, picture) => {
      const rest = make("span", { className: "unseen" }, ` ${shown(this.#key)}`);
      const label = picture ? make("span", { className: "unseen" }, words) : words;
      const made = make("button", { type: "button", className: `small ${looks}`, title: picture ? words : "" }, ...(picture ? [icon(picture)] : []), label, rest);
      made.addEventListener("click", () => this.#run(made, onClick));
      return made;
    };
    const look = button("Preview", "quiet", () => this.#look());
    const versions = button("Versions", "quiet", () => this.#toggle(versions, this.#versions));
    const load = button("Download", "bare", () => this.#download(), "download");
    const remove = button("Delete", "bare", () => this.#askToDelete(), "trash");
    for (const [opener, part] of [[look, this.#preview], [versions, this.#versions]]) {
      opener.setAttribute("aria-expanded", "false");
      opener.setAttribute("aria-controls", part.id);
    }
    return { look, versions, load, remove };
  }

  /** Does what a button is for, once at a time, and says what went wrong. */
  async #run(button, action) {
    if (button.getAttribute("aria-disabled")) return;
    // Not `disabled`, which would take the focus away.
    button.setAttribute("aria-disabled", "true");
    this.#problem.textContent = "";
    try {
      await action();
    } catch (error) {
      this.#problem.textContent = explain(error);
    }
    button.removeAttribute("aria-disabled");
  }

  #toggle(button, part, isOpen = part.hidden) {
    part.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
  }

  async #look() {
    const { look } = this.#buttons;
    if (!this.#preview.hidden) return this.#toggle(look, this.#preview, false);
    const { version } = this.#desk.shelf.find(this.#key);
    await this.#show(version);
    return undefined;
  }

  async #show(version) {
    const [{ preview }, bytes] = await Promise.all([import("./preview.js"), this.#desk.read(this.#key, version)]);
    const isOnly = this.#desk.shelf.versions(this.#key).length < 2;
    const which = isOnly ? [] : [make("p", { className: "hint" }, `Version ${version}`)];
    this.#preview.replaceChildren(...which, ...preview(bytes, `Image: ${shown(this.#key)}`));
    this.#toggle(this.#buttons.look, this.#preview, true);
  }

  async #download(version) {
    const bytes = await this.#desk.read(this.#key, version);
    save(savedAs(this.#key), NO_PAGE, bytes);
    this.#desk.say("Downloaded.");
  }

  #version({ editor, size, updatedAt, version }, newest) {
    const button = (words, onClick) => {
      const made = make("button", { type: "button", className: "link" }, words, make("span", { className: "unseen" }, ` version ${version} of ${shown(this.#key)}`));
      made.addEventListener("click", () => this.#run(made, onClick));
      return made;
    };
    const when = make("time", { dateTime: updatedAt, title: moment(updatedAt) }, ago(updatedAt));
    const now = version === newest.version ? " (current)" : "";
    const meta = make("span", { className: "version-meta" }, `${sizeOf(size)} · `, this.#desk.members.person(editor), " · ", when);
    const links = make("span", { className: "links" }, button("Preview", () => this.#show(version)), " ", button("Download", () => this.#download(version)));
    return make("li", {}, make("span", {}, make("strong", {}, `Version ${version}`), now), links, meta);
  }

  #askToDelete() {
    const { version } = this.#desk.shelf.find(this.#key);
    const question = make("p", {}, "Delete ", make("bdi", {}, shown(this.#key)), " for everybody, with all its versions? Nobody can get it back.");
    const yes = make("button", { type: "button", className: "small danger" }, "Delete it");
    const no = make("button", { type: "button", className: "small quiet" }, "Keep it");
    const close = () => {
      this.#question.hidden = true;
      this.#buttons.remove.focus();
    };
    no.addEventListener("click", close);
    this.#question.addEventListener("keydown", ({ key }) => key === "Escape" && close());
    yes.addEventListener("click", () => this.#run(yes, () => this.#desk.remove(this.#key, version)));
    this.#question.replaceChildren(question, make("div", { className: "actions" }, yes, no));
    this.#question.hidden = false;
    no.focus();
  }
}
