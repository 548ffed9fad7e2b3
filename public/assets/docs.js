// The documents: a search over their sections, and buttons that copy examples.

import { byId, make, onCopy } from "./page.js";

const article = byId("text");

// Before the sections are read, so that a hidden section hides its buttons.
for (const example of article.querySelectorAll("pre")) {
  const button = make("button", { type: "button", className: "small quiet copy" }, "Copy");
  example.before(make("div", { className: "example" }, button));
  onCopy(button, example);
}

/** The sections: each begins with a heading of the second level. */
function sections() {
  const found = [];
  for (const node of article.children) {
    if (node.tagName === "H2") found.push({ heading: node, nodes: [] });
    found.at(-1)?.nodes.push(node);
  }
  return found;
}

const all = sections();
const links = [...document.querySelectorAll(".index li")];

/** Shows the sections in which every word stands, and says how many. */
function search(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const [at, { nodes }] of all.entries()) {
    const content = nodes.map((node) => node.textContent).join(" ").toLowerCase();
    const isFound = words.every((word) => content.includes(word));
    if (isFound) count += 1;
    for (const node of nodes) node.hidden = !isFound;
    if (links[at]) links[at].hidden = !isFound;
  }
  const hint = count === 1 ? "in 1 section" : `in ${count} sections`;
  byId("found").textContent = words.length ? (count ? hint : "Nothing found. Try fewer or other words.") : "";
}

const field = make("input", { id: "search", type: "search", placeholder: "Search", autocomplete: "off" });
field.setAttribute("aria-label", "Search these pages");
field.addEventListener("input", () => search(field.value));
byId("finder").append(field, make("p", { id: "found", className: "hint", role: "status" }));

// A link to a place that the search has hidden shows all again.
addEventListener("hashchange", () => {
  const target = byId(decodeURIComponent(location.hash.slice(1)));
  if (!target?.hidden) return;
  field.value = "";
  search("");
  target.scrollIntoView();
});
