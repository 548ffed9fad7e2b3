// The page behind a link: how long it is good, what became of it, and a way in from this browser.

import { call, callPatiently, random } from "./api.js";
import { byId, onSubmit } from "./page.js";
import { enter, lastName, readName } from "./seat.js";

const LOOK = 4000;

const link = byId("link");
const code = link.dataset.code;
// The server says how long, for the clocks may differ.
const end = performance.now() + Number(link.dataset.endsIn);

function countDown() {
  if (link.dataset.state !== "pending") return;
  const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
  byId("left").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

const words = {
  pending: "Waiting for an agent",
  claimed: "Used: someone has joined with this link, and it cannot be used again.",
  expired: "Expired: nobody used this link in time. Ask for a new one.",
};

function tell(state) {
  if (link.dataset.state === state) return;
  link.dataset.state = state;
  byId("state").textContent = words[state];
  for (const element of document.querySelectorAll("[data-while-pending]")) element.hidden = state !== "pending";
}

async function look() {
  if (document.hidden || link.dataset.state !== "pending") return;
  try {
    const { state } = await call("GET", `/v1/pair/${code}/status`);
    tell(state);
  } catch {
    // Without an answer the page stays as it is, and asks again.
  }
}

setInterval(countDown, 250);
setInterval(look, LOOK);
// At the end, ask at once rather than at the next turn.
setTimeout(look, Math.max(0, end - performance.now()) + 250);
document.addEventListener("visibilitychange", look);
countDown();

const name = byId("name");
name.value = lastName();
name.addEventListener("input", () => name.setCustomValidity(""));
// The same for all tries of this page, so that a claim whose answer was lost can be repeated.
const claim = random();
onSubmit(byId("join"), async () => {
  const agent = readName(name);
  if (!agent) return;
  const headers = { "X-Agent-Id": agent, "Idempotency-Key": claim };
  const { sessionId, sessionKey } = await callPatiently("POST", `/v1/pair/${code}/claim`, { headers });
  enter({ session: sessionId, agent, key: sessionKey });
});
