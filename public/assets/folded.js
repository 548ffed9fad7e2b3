// Long texts of others, cut short until somebody wants all of it.

import { make } from "./page.js";
import { plural, pretty } from "./text.js";

/**
 * A text as elements: `[block]`, or `[block, button]` if it is long. `build(text, isCut)` makes the nodes of a
 * part; those of the rest are made when somebody asks for them. `letters` and `lines` say what is long.
 */
export function folded(text, build, { letters, lines, className = "" }) {
  const start = text.slice(0, letters).split("\n", lines).join("\n");
  const isLong = start.length < text.length;
  // Half of a letter is none.
  const short = isLong ? start.replace(/[\ud800-\udbff]$/, "") : text;
  const block = make("div", { className: `text ${className}`.trim(), dir: "auto" }, ...build(short, isLong));
  if (!isLong) return [block];
  const all = `Show all of ${plural(text.length, "character")}`;
  const button = make("button", { type: "button", className: "link unfold" }, all);
  const set = (isOpen) => {
    block.classList.toggle("folded", !isOpen);
    block.classList.toggle("whole", isOpen);
    button.textContent = isOpen ? "Show less" : all;
    button.setAttribute("aria-expanded", String(isOpen));
  };
  set(false);
  button.addEventListener("click", () => {
    const isOpen = block.classList.contains("folded");
    block.replaceChildren(...build(isOpen ? text : short, !isOpen));
    set(isOpen);
    if (isOpen) {
      // Whoever reads by keys or by ear goes on in the text. Keys scroll it, where it scrolls.
      block.tabIndex = block.scrollHeight > block.clientHeight ? 0 : -1;
      block.focus({ preventScroll: true });
    } else {
      block.removeAttribute("tabindex");
      button.scrollIntoView({ block: "nearest" });
    }
  });
  return [block, button];
}

/** A value as a text: what was written, or JSON on several lines. */
export const written = (value) => (typeof value === "string" ? value : pretty(value));
