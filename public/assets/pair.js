// The page behind a link: how long it works, and a form to join from this browser. When something has become
// of the link, the page is loaded again, and the relay says what.

import { call, calm } from "./api.js";
import { Claim } from "./claim.js";
import { byId, onSubmit } from "./page.js";
import { lastName, readPerson, sessionOfLink } from "./seat.js";

/** How often a visible page asks what became of the link: at first often, later seldom. So several pages
 *  behind one address do not use up its requests. */
const LOOKS = [8_000, 8_000, 8_000, 8_000, 15_000, 15_000, 15_000, 15_000, 30_000];

const link = byId("link");
const code = link.dataset.code;
// The server says how long is left, because the clocks may differ.
const end = performance.now() + Number(link.dataset.endsIn);
const claim = new Claim(code);

function countDown() {
  const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
  byId("left").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

const look = calm(1000, async () => {
  // After a try to join from here, this page itself may have used the link.
  if (document.hidden || claim.agent) return;
  try {
    const { state } = await call("GET", `/v1/pair/${code}/status`);
    if (state !== "pending" && !claim.agent) location.reload();
  } catch {
    // No answer: the page stays as it is and asks again.
  }
});

function lookAgain(times) {
  setTimeout(async () => {
    await look();
    lookAgain(times + 1);
  }, LOOKS[Math.min(times, LOOKS.length - 1)]);
}

/** In a browser that has a seat behind the link, joining would use it up for nothing. */
function tellOwn() {
  const session = sessionOfLink(code);
  byId("own").hidden = !session;
  byId("self").parentElement.hidden = Boolean(session);
  byId("lead").hidden = Boolean(session);
  if (!session) return;
  byId("heading").textContent = "This is your invitation";
  byId("own-conversation").href = `/s#${session}`;
}

setInterval(countDown, 250);
lookAgain(0);
// Ask as soon as the time is over.
setTimeout(look, Math.max(0, end - performance.now()) + 250);
document.addEventListener("visibilitychange", look);
// A page that comes back from the browser's memory may show a link that was used since.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
countDown();
tellOwn();

const name = byId("name");
name.value = claim.profile?.name ?? claim.agent ?? lastName();
// With another name it would be another claim.
name.readOnly = Boolean(claim.agent);
name.addEventListener("input", () => name.setCustomValidity(""));
const advice = "You may have joined already. Check the connection and press Join again: that finds your seat.";
onSubmit(byId("join"), async () => {
  const person = claim.agent ? claim : readPerson(name);
  if (!person) return;
  name.readOnly = true;
  try {
    await claim.join(person);
  } finally {
    name.readOnly = Boolean(claim.agent);
  }
}, advice);
