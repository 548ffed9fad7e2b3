// The page behind a link: how long it works, and a form to join from this browser. When something has become
// of the link, the page is loaded again, and the relay says what.

import { Refused, call, calm } from "./api.js";
import { Claim } from "./claim.js";
import { byId, onSubmit } from "./page.js";
import { lastName, readPerson, seatOf, secretIn, sessionOfLink } from "./seat.js";
import { countdown } from "./time.js";

/** How often a visible page asks what became of the link: at first often, later seldom. So several pages
 *  behind one address do not use up its requests. */
const LOOKS = [8_000, 8_000, 8_000, 8_000, 15_000, 15_000, 15_000, 15_000, 30_000];
/** The same while a connection tells of whoever joins. Of a link that was taken back it does not tell. */
const SELDOM = 60_000;

const link = byId("link");
const code = link.dataset.code;
// The server says how long is left, because the clocks may differ.
const end = performance.now() + Number(link.dataset.endsIn);
const session = sessionOfLink(code);
const { seat } = session ? seatOf(`#${session}`) : {};
// Whether a conversation is encrypted, the link says, too: the server is not to be trusted with it.
const secret = secretIn(location.hash) ?? seat?.secret;
const claim = new Claim(code, secret);

function countDown() {
  byId("left").textContent = countdown(end - performance.now());
}

let rest = 0;
const look = calm(1000, async () => {
  // After a try to join from here, this page itself may have used the link.
  if (document.hidden || claim.agent) return;
  rest = 0;
  try {
    const { state } = await call("GET", `/v1/pair/${code}/status`);
    if (state !== "pending" && !claim.agent) location.reload();
  } catch (error) {
    // The page stays as it is and asks again; if the relay says when, not before.
    if (error instanceof Refused) rest = (error.retryAfter || 0) * 1000;
  }
});

let [timer, times, isLive] = [0, 0, false];

function lookAgain() {
  clearTimeout(timer);
  // A page that nobody sees asks nothing. It asks at once when somebody sees it again.
  if (document.hidden) return;
  const every = isLive ? SELDOM : LOOKS[Math.min(times, LOOKS.length - 1)];
  timer = setTimeout(async () => {
    await look();
    times += 1;
    lookAgain();
  }, Math.max(every, rest));
}

/** In a browser that has a seat behind the link, joining would use it up for nothing. */
function tellOwn(session) {
  byId("own").hidden = !session;
  byId("self").parentElement.hidden = Boolean(session);
  byId("lead").hidden = Boolean(session);
  if (!session) return;
  byId("heading").textContent = "This is your invitation";
  byId("own-conversation").href = `/s#${session}`;
}

/** With a seat in the conversation, its own connection tells at once of whoever joins. Without one there is
 *  none: a code has no connection of its own. */
class Live {
  #seat;
  #feed;

  constructor(seat) {
    this.#seat = seat;
  }

  async open() {
    if (this.#feed) return;
    try {
      const { Feed, NEWEST } = await import("./feed.js");
      if (document.hidden || this.#feed) return;
      const message = ({ kind }) => kind === "joined" && look();
      const on = { message, event: look, state: (state) => this.#tell(state), progress() {}, caughtUp() {}, end: look };
      this.#feed = new Feed(this.#seat, on, NEWEST);
    } catch {
      // There is no connection now: the page asks as any other.
    }
  }

  close() {
    this.#feed?.stop();
    this.#feed = undefined;
    isLive = false;
  }

  #tell(state) {
    const isOpen = state === "socket" || state === "events";
    if (isOpen === isLive) return;
    isLive = isOpen;
    lookAgain();
    // Somebody may have joined while it was being opened.
    if (isOpen) look();
  }
}

const live = seat && new Live(seat);

function seen() {
  lookAgain();
  if (document.hidden) return live?.close();
  live?.open();
  look();
}

/** Completes what the page shows of an encrypted conversation by the key, which only the address has. */
async function tellKey() {
  const [drawn, lock] = [link.querySelector(".qr"), byId("lock")];
  // The relay has drawn it without the key.
  drawn.parentElement.hidden = true;
  lock.hidden = false;
  if (!secret) {
    byId("lead").hidden = link.querySelector(".columns").hidden = true;
    lock.className = "lead";
    lock.textContent = "The end of your link is missing, from # on: the key of this encrypted conversation. Ask for the whole link. It has not been used up.";
    return;
  }
  for (const part of [byId("url"), byId("prompt")]) part.textContent = part.textContent.replace(code, `${code}#${secret}`);
  try {
    const [{ qrPath }, { drawing }] = await Promise.all([import("./qr.js"), import("./icons.js")]);
    const { size, path } = qrPath(byId("url").textContent);
    drawn.parentElement.hidden = false;
    drawn.replaceWith(drawing(size, path, "QR code of this link"));
  } catch {
    // There is no connection now. The link is still there.
  }
}

setInterval(countDown, 250);
lookAgain();
live?.open();
// Ask as soon as the time is over.
setTimeout(look, Math.max(0, end - performance.now()) + 250);
document.addEventListener("visibilitychange", seen);
// The whole link may be opened where a part of it was before.
addEventListener("hashchange", () => location.reload());
// A page that comes back from the browser's memory may show a link that was used since.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
countDown();
tellOwn(session);
if (secret || link.dataset.encrypted === "true") tellKey();

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
