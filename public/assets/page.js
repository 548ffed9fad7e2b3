// What every page uses: elements by id, forms that say what went wrong, buttons that copy.

import { explain } from "./sentences.js";

/** The element with this id; null if there is none. */
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

/** Runs `action` when a form is submitted, once at a time. If it fails, the form says why. If there was no
 *  answer, it also gives this advice. */
export function onSubmit(form, action, advice) {
  const button = form.querySelector("button:not([type=button])");
  const problem = form.querySelector("[role=alert]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    button.disabled = true;
    try {
      await action();
    } catch (error) {
      problem.textContent = explain(error, advice);
    } finally {
      button.disabled = false;
    }
  });
  button.disabled = false;
}

/** Buttons with `data-copy="ID"` copy the text of that element. */
function wireCopying() {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    onCopy(button, byId(button.dataset.copy));
    button.hidden = false;
  }
}

/** Makes a button copy the text of an element, and say so, also to screen readers. */
export function onCopy(button, source) {
  const label = button.textContent;
  // Next to the button: while a dialog is open, nothing outside of it is read out.
  const said = make("span", { className: "unseen", role: "status" });
  button.after(said);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      button.textContent = "Copied";
    } catch {
      // Not allowed, or not a secure origin. The person can copy it by hand.
      getSelection().selectAllChildren(source);
      button.textContent = "Selected: now copy";
    }
    said.textContent = button.textContent;
    setTimeout(() => {
      button.textContent = label;
      said.textContent = "";
    }, 2500);
  });
}

/** The link that skips to the content must not change the address, which holds the session. */
function wireSkipping() {
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });
}

wireCopying();
wireSkipping();
