// Long texts of others, cut short until somebody wants all of it.

import { make } from "./page.js";
import { nodes, plain, pretty } from "./text.js";

const LONG = 500;
const LINES = 8;

/** A text as elements: the text, and a button if it is long. The rest is built when it is asked for. */
export function folded(text) {
  const start = text.slice(0, LONG).split("\n", LINES).join("\n");
  const isCut = start.length < text.length;
  const short = isCut ? start.replace(/[\ud800-\udbff]$/, "") : text;
  const block = make("div", { className: "text", dir: "auto" }, ...nodes(short, { isCut }));
  if (!isCut) return [block];
  block.classList.add("cut");
  const button = make("button", { type: "button", className: "link" }, "Show all");
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    const opens = block.classList.contains("cut");
    block.classList.toggle("cut", !opens);
    block.classList.toggle("whole", opens);
    // It scrolls, also by keys.
    if (opens) block.tabIndex = 0;
    else block.removeAttribute("tabindex");
    block.replaceChildren(...nodes(opens ? text : short, { isCut: !opens }));
    button.textContent = opens ? "Show less" : "Show all";
    button.setAttribute("aria-expanded", String(opens));
  });
  return [block, button];
}

/** A value as a text: what was written, or JSON on several lines. */
export const written = (value) => (typeof value === "string" ? value : pretty(value));

/** The beginning of a text on one line. */
export function beginning(text, length = 80) {
  const line = plain(text.slice(0, 4 * length).replace(/\s+/g, " ").trim());
  const letters = [...line];
  return letters.length > length || text.length > 4 * length ? `${letters.slice(0, length).join("")}…` : line;
}
