// What stands beside the transcript: people, tasks and files, one at a time. On small screens it covers the
// transcript, until it is closed.

import { byId } from "./page.js";
import { plural } from "./text.js";

const TABS = ["people", "tasks", "files"];
const WIDE = matchMedia("(min-width: 64rem)");

export class Side {
  #side = byId("side");
  #button = byId("open-panel");
  #counts = {};
  #shown = "people";
  #isOver = false;

  constructor() {
    for (const name of TABS) this.#tab(name).addEventListener("click", () => this.show(name));
    byId("tabs").addEventListener("keydown", (event) => this.#key(event));
    this.#button.addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
    byId("close-panel").addEventListener("click", () => this.close());
    byId("shade").addEventListener("click", () => this.close());
    this.#side.addEventListener("keydown", ({ key }) => key === "Escape" && !WIDE.matches && this.close());
    WIDE.addEventListener("change", () => this.#set(WIDE.matches));
    this.show(this.#shown, false);
    this.#set(WIDE.matches);
  }

  get isOpen() {
    return !this.#side.hidden;
  }

  /** Opens a part, and takes the person there. */
  open(name = this.#shown) {
    this.#set(true);
    this.show(name);
    if (!WIDE.matches) this.#tab(name).focus();
  }

  close() {
    this.#set(false);
    this.#button.focus();
  }

  /** The conversation is over: there is nothing to stand beside it. */
  end() {
    this.#isOver = true;
    this.#set(false);
  }

  /** How many of something there are. `isUrgent` says that somebody waits for this person. */
  count(name, number, isUrgent = false) {
    const tally = this.#tab(name).querySelector(".tally");
    tally.textContent = number || "";
    tally.classList.toggle("urgent", isUrgent);
    this.#counts[name] = { number, isUrgent };
    const { people, ...others } = this.#counts;
    const some = Object.entries(others).filter(([, { number: count }]) => count);
    const words = some.map(([one, { number: count }]) => `, ${plural(count, one.replace(/s$/, ""))}`);
    byId("people-tally").textContent = people?.number || "";
    byId("panel-words").textContent = ` ${people?.number === 1 ? "person" : "people"}${words.join("")}`;
    byId("panel-dot").hidden = !Object.values(others).some(({ number: count }) => count);
    byId("panel-dot").classList.toggle("urgent", Object.values(this.#counts).some((one) => one.isUrgent));
  }

  /** Shows a part, without opening the panel. */
  show(name) {
    this.#shown = name;
    for (const one of TABS) {
      const isShown = one === name;
      const tab = this.#tab(one);
      tab.setAttribute("aria-selected", String(isShown));
      tab.tabIndex = isShown ? 0 : -1;
      byId(`${one}-panel`).hidden = !isShown;
    }
  }

  #set(isWanted) {
    const isOpen = isWanted && !this.#isOver;
    const covers = isOpen && !WIDE.matches;
    this.#side.hidden = !isOpen;
    byId("shade").hidden = !covers;
    // What is covered cannot be reached meanwhile.
    byId("talk").inert = covers;
    byId("bar").inert = covers;
    this.#button.setAttribute("aria-expanded", String(isOpen));
  }

  #tab(name) {
    return byId(`${name}-tab`);
  }

  #key(event) {
    const at = TABS.indexOf(this.#shown);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.show(TABS.at(to % TABS.length));
    this.#tab(this.#shown).focus();
  }
}
