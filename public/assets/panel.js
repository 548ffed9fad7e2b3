// What the panels of the conversation page have in common: a heading with a button, a list, an empty state,
// and a line for those who hear the page.

import { make } from "./page.js";

/** Fills a panel, and gives its parts. `more` is called when more of the list is asked for. */
export function panel(root, { id, heading, action, list, more: onMore }) {
  const title = make("h2", { id: `${id}-heading` }, heading);
  const button = make("button", { type: "button", className: "small quiet" }, action);
  const head = make("div", { className: "panel-head" }, title, button);
  const empty = make("div", { className: "empty" }, make("strong", {}), make("p", {}));
  const items = make("ul", { className: `plain ${list}` });
  items.setAttribute("aria-labelledby", title.id);
  const more = make("button", { type: "button", className: "quiet", hidden: true }, "Show more");
  more.addEventListener("click", onMore);
  const said = make("p", { className: "unseen" });
  said.setAttribute("role", "status");
  root.setAttribute("aria-labelledby", title.id);
  root.replaceChildren(head, empty, items, more, said);
  return { head, button, empty, list: items, more, said };
}

/** Makes a list show these elements in this order, and moves as few as it can. */
export function arrange(list, elements) {
  for (const [at, element] of elements.entries()) {
    if (list.children[at] !== element) list.insertBefore(element, list.children[at] ?? null);
  }
}
