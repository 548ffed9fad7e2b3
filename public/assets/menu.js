// A menu at a button: arrow keys move in it, Escape and a click elsewhere close it.

import { icon } from "./icons.js";
import { make } from "./page.js";

let open;

/** Closes the menu that is open, if one is. */
export function closeMenu() {
  open?.close();
}

/**
 * Opens a menu at a button, or closes it if it is open. Each entry is `{icon, label, action}`; with
 * `isChecked` it shows whether something is on. Empty entries are left out.
 */
export function toggleMenu(button, label, entries) {
  const isOwn = open?.button === button;
  closeMenu();
  if (!isOwn) open = new Menu(button, label, entries.filter(Boolean));
}

class Menu {
  #list;
  #away;
  button;

  constructor(button, label, entries) {
    this.button = button;
    this.#list = make("div", { className: "menu" }, ...entries.map((entry) => this.#entry(entry)));
    this.#list.setAttribute("role", "menu");
    this.#list.setAttribute("aria-label", label);
    this.#list.addEventListener("keydown", (event) => this.#key(event));
    this.#away = ({ target }) => this.#list.contains(target) || button.contains(target) || this.close(false);
    addEventListener("pointerdown", this.#away, true);
    addEventListener("resize", closeMenu);
    // Inside of the page's main part, so that nothing stands outside of its landmarks.
    document.querySelector("main").append(this.#list);
    button.setAttribute("aria-expanded", "true");
    this.#stand(button.getBoundingClientRect());
    this.#list.firstChild.focus();
  }

  close(isFocusBack = true) {
    if (open !== this) return;
    open = undefined;
    removeEventListener("pointerdown", this.#away, true);
    removeEventListener("resize", closeMenu);
    this.#list.remove();
    this.button.setAttribute("aria-expanded", "false");
    if (isFocusBack) this.button.focus();
  }

  /** Below the button, or above it where there is more room. */
  #stand({ top, bottom, right }) {
    const { style, offsetWidth, offsetHeight } = this.#list;
    const isBelow = bottom + offsetHeight <= innerHeight || top < innerHeight - bottom;
    style.left = `${Math.max(8, Math.min(right, innerWidth - 8) - offsetWidth)}px`;
    style.top = `${isBelow ? Math.min(bottom + 4, innerHeight - offsetHeight - 8) : Math.max(8, top - offsetHeight - 4)}px`;
  }

  #entry({ id = "", icon: name, label, action, isChecked, isDanger }) {
    const entry = make("button", { type: "button", id, className: isDanger ? "dangerous" : "", tabIndex: -1 }, icon(name), label);
    entry.setAttribute("role", isChecked === undefined ? "menuitem" : "menuitemcheckbox");
    if (isChecked !== undefined) entry.setAttribute("aria-checked", String(isChecked));
    if (isChecked) entry.append(icon("check"));
    entry.addEventListener("click", () => {
      this.close();
      action();
    });
    return entry;
  }

  #key(event) {
    const entries = [...this.#list.children];
    const at = entries.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) entries.at(to % entries.length).focus();
    else if (event.key === "Escape") this.close();
    else if (event.key === "Tab") return this.close(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
