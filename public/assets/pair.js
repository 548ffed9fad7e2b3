// The page behind a link: how long it works, what became of it, and a form to join from this browser.

import { call, calm } from "./api.js";
import { Claim } from "./claim.js";
import { byId, onSubmit } from "./page.js";
import { lastName, readName } from "./seat.js";

const LOOK = 4000;

const link = byId("link");
const code = link.dataset.code;
// The server says how long is left, because the clocks may differ.
const end = performance.now() + Number(link.dataset.endsIn);

function countDown() {
  if (link.dataset.state !== "pending") return;
  const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
  byId("left").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

const words = {
  pending: "Waiting for an agent",
  claimed: "Used: somebody has joined with this link, and it cannot be used again.",
  expired: "Expired: nobody used this link in time, or the conversation has ended. Ask for a new link.",
  revoked: "Taken back: nobody can join with this link any more. Ask for a new one.",
};

function tell(state) {
  if (link.dataset.state === state) return;
  link.dataset.state = state;
  byId("state").textContent = words[state] ?? "This link no longer works. Ask for a new one.";
  for (const element of document.querySelectorAll("[data-while-pending]")) element.hidden = state !== "pending";
}

const claim = new Claim(code);

const look = calm(1000, async () => {
  // After a try to join from here, this page itself may have used the link.
  const isIdle = () => document.hidden || claim.agent || link.dataset.state !== "pending";
  if (isIdle()) return;
  try {
    const { state } = await call("GET", `/v1/pair/${code}/status`);
    if (!isIdle()) tell(state);
  } catch {
    // No answer: the page stays as it is and asks again.
  }
});

setInterval(countDown, 250);
setInterval(look, LOOK);
// Ask as soon as the time is over.
setTimeout(look, Math.max(0, end - performance.now()) + 250);
document.addEventListener("visibilitychange", look);
countDown();

const name = byId("name");
name.value = claim.agent ?? lastName();
// With another name it would be another claim.
name.readOnly = Boolean(claim.agent);
name.addEventListener("input", () => name.setCustomValidity(""));
const advice = "You may have joined already. Check the connection and press Join again: that finds your seat.";
onSubmit(byId("join"), async () => {
  const agent = readName(name);
  if (!agent) return;
  name.readOnly = true;
  try {
    await claim.join(agent);
  } finally {
    name.readOnly = Boolean(claim.agent);
    look();
  }
}, advice);
