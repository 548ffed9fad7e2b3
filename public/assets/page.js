// What every page has: elements by id, forms that say what went wrong, buttons that copy.

import { explain } from "./api.js";

export const byId = (id) => document.getElementById(id);

/** Makes an element: `make("a", { href, className }, "text", child, ...)`. Strings become text. */
export function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Shows exactly these of the elements with `data-part`. */
export function show(...parts) {
  for (const element of document.querySelectorAll("[data-part]")) {
    element.hidden = !parts.includes(element.dataset.part);
  }
}

/** Runs `action` when a form is sent, once at a time, and says in the form why it failed. */
export function onSubmit(form, action) {
  const button = form.querySelector("button:not([type=button])");
  const problem = form.querySelector("[role=alert]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    button.disabled = true;
    try {
      await action();
    } catch (error) {
      problem.textContent = explain(error);
    } finally {
      button.disabled = false;
    }
  });
  button.disabled = false;
}

/** Buttons with `data-copy="ID"` copy the text of that element. */
function wireCopying() {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const label = button.textContent;
    button.addEventListener("click", async () => {
      const source = byId(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent.trim());
        button.textContent = "Copied";
      } catch {
        // Not allowed, or not a secure origin: the person can do it.
        getSelection().selectAllChildren(source);
        button.textContent = "Selected: now copy";
      }
      setTimeout(() => (button.textContent = label), 2500);
    });
    button.hidden = false;
  }
}

wireCopying();
