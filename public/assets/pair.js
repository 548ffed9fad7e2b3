// The page behind a link: how long it is good, what became of it, and a way in from this browser.

import { call, callPatiently, calm, isPassing, random } from "./api.js";
import { byId, onSubmit } from "./page.js";
import { claimOf, enter, lastName, readName } from "./seat.js";

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

// The same for all tries of this tab, so that a claim whose answer was lost can be repeated.
const claim = claimOf(code, random());
// From the first try until it is refused, the link may be used by this page itself.
let mayBeOurs = Boolean(claim.agent);

const look = calm(1000, async () => {
  const isIdle = () => document.hidden || mayBeOurs || link.dataset.state !== "pending";
  if (isIdle()) return;
  try {
    const { state } = await call("GET", `/v1/pair/${code}/status`);
    if (!isIdle()) tell(state);
  } catch {
    // Without an answer the page stays as it is, and asks again.
  }
});

setInterval(countDown, 250);
setInterval(look, LOOK);
// At the end, ask at once rather than at the next turn.
setTimeout(look, Math.max(0, end - performance.now()) + 250);
document.addEventListener("visibilitychange", look);
countDown();

const name = byId("name");
name.value = claim.agent ?? lastName();
// Under another name it would be another claim.
name.readOnly = mayBeOurs;
name.addEventListener("input", () => name.setCustomValidity(""));
const advice = "You may have joined already. Check the connection and press Join again: that finds your seat.";
onSubmit(byId("join"), async () => {
  const agent = readName(name);
  if (!agent) return;
  const tried = (by) => {
    mayBeOurs = name.readOnly = Boolean(by);
    claim.keep(by);
  };
  tried(agent);
  const headers = { "X-Agent-Id": agent, "Idempotency-Key": claim.key };
  try {
    const { sessionId, sessionKey } = await callPatiently("POST", `/v1/pair/${code}/claim`, { headers });
    claim.keep();
    await enter({ session: sessionId, agent, key: sessionKey });
  } catch (error) {
    if (!isPassing(error)) {
      tried();
      look();
    }
    throw error;
  }
}, advice);
