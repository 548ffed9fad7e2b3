// The conversation page: join with a name, read, write, see who is here, invite, leave, end.

import { Refused, call, callPatiently, calm, explain, sessionPath } from "./api.js";
import { Control } from "./control.js";
import { download, toJson, toMarkdown } from "./exports.js";
import { Feed } from "./feed.js";
import { Outbox } from "./outbox.js";
import { byId, onSubmit, show } from "./page.js";
import { endedBy, isRelays, lineOf, speakerOf } from "./relay.js";
import { forget, lastName, readName, seatOf, sessionOf, take } from "./seat.js";
import { plural } from "./text.js";
import { Transcript } from "./transcript.js";

/** How often a visible page asks who is here. This also keeps the session alive. */
const LOOK = 60_000;
/** The shortest time between two such requests. */
const CALM = 3_000;
const MAX_TEXT = 65_536;
const DAY = 86_400_000;
const TITLE = document.title;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const states = {
  connecting: "Connecting …",
  socket: "Live",
  events: "Live (by events)",
  polling: "Live (by polling)",
  waiting: "No connection. Trying again …",
};

/** Says why no conversation can be shown, or why it is over. */
function close([heading, words]) {
  byId("over-heading").textContent = heading;
  byId("over-words").textContent = words;
}

const LINK_NEEDED = [
  "You need a link to join this conversation",
  "Nobody can join it by this address. Ask somebody who is in it for a link: the button Invite makes one.",
];

function explainEnd(refusal) {
  if (refusal.code === "session_not_found") {
    return endedBy();
  }
  if (refusal.reason === "agent_not_in_session") {
    const words = "Somebody has removed you, or you left in another window. To come back, ask for a new link.";
    return ["You are no longer in this conversation", words];
  }
  return ["You are no longer in this conversation", refusal.message];
}

async function begin() {
  const { session, seat } = seatOf(location.hash);
  if (!session) {
    close(["This link is not complete", "The part after # is missing or was cut off. Ask for the whole link."]);
    return show("over");
  }
  if (seat) return new Conversation(seat);
  try {
    const { agents, join } = await callPatiently("GET", sessionPath(session));
    if (join === "link") {
      close(LINK_NEEDED);
      return show("over");
    }
    byId("present").textContent = agents.length ? `In it: ${agents.join(", ")}.` : "Nobody is in it yet.";
  } catch (error) {
    close(error instanceof Refused ? explainEnd(error) : ["This conversation cannot be opened", explain(error)]);
    return show("over");
  }
  show("join");
  byId("name").value = lastName();
  byId("name").focus();
}

onSubmit(byId("join"), async () => {
  const { session } = seatOf(location.hash);
  const agent = readName(byId("name"));
  if (!agent) return;
  const headers = { "X-Agent-Id": agent };
  const { sessionKey } = await call("POST", sessionPath(session, "/join"), { headers });
  const seat = { session, agent, key: sessionKey };
  take(seat);
  new Conversation(seat);
}, "You may have joined without the answer. Try again, under another name if this one is taken.");
byId("name").addEventListener("input", () => byId("name").setCustomValidity(""));

class Conversation {
  #seat;
  #transcript;
  #feed;
  #control;
  #isOver = false;
  #unread = 0;
  #unspoken = [];
  #deadline = 0;
  #isEmpty = true;
  #knownTo = Infinity;
  #outbox;
  #look = calm(CALM, () => this.#lookNow());

  constructor(seat) {
    this.#seat = seat;
    show("conversation", "transcript");
    byId("me").textContent = seat.agent;
    byId("count").parentElement.open = matchMedia("(min-width: 46rem)").matches;
    this.#transcript = new Transcript(byId("messages"), seat.agent, (...drawn) => this.#drawn(...drawn));
    this.#control = new Control(seat, { ended: (...words) => this.#end(...words), changed: () => this.#look() });
    this.#feed = new Feed(seat, {
      message: (message) => this.#take(message),
      event: (event) => this.#happened(event),
      state: (state) => this.#tell(state),
      caughtUp: () => this.#caughtUp(),
      end: (refusal) => this.#end(...explainEnd(refusal)),
    });
    this.#outbox = new Outbox(seat, byId("unsent"), {
      sent: (answer) => this.#sent(answer),
      refused: (reason) => (byId("problem").textContent = `Not sent. ${reason}`),
    });
    this.#wire();
    byId("text").focus();
  }

  #wire() {
    const text = byId("text");
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#write(text);
    });
    text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey) return;
      // This Enter chooses a word of an input method. Some browsers say so only by this code.
      if (event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#write(text);
    });
    const seen = () => !document.hidden && this.#transcript.atEnd && this.#seen();
    addEventListener("scroll", seen, { passive: true });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      seen();
      this.#feed.hurry();
      this.#look();
    });
    byId("to-end").addEventListener("click", () => this.#transcript.toEnd());
    byId("invite").addEventListener("click", () => this.#invite());
    byId("as-markdown").addEventListener("click", () => this.#export("md", "text/markdown", toMarkdown));
    byId("as-json").addEventListener("click", () => this.#export("json", "application/json", toJson));
    byId("leave").addEventListener("click", () => byId("leaving").showModal());
    onSubmit(byId("leave-form"), () => this.#leave());
    for (const button of document.querySelectorAll("dialog button[type=button][data-close]")) {
      button.addEventListener("click", () => button.closest("dialog").close());
    }
    const holdsText = () => this.#outbox.holdsText || (!this.#isOver && text.value.trim());
    addEventListener("beforeunload", (event) => holdsText() && event.preventDefault());
    setInterval(() => {
      if (document.hidden) return;
      this.#look();
      if (this.#control.hasLinks) this.#control.lookForLinks();
    }, LOOK);
  }

  /** Takes an event that is not in the log. */
  #happened({ event, by }) {
    if (event === "ended") this.#end(...endedBy(by, this.#seat.agent));
    else this.#look();
  }

  #take(message) {
    this.#outbox.arrived(message.id);
    this.#isEmpty &&= isRelays(message);
    this.#ends(message.expiresAt);
    this.#transcript.add(message);
  }

  #drawn(others, outOfSight, lines) {
    this.#tellEmpty();
    // Messages from before the page was opened are not read aloud.
    const isFresh = ({ cursor }) => Number(cursor) > this.#knownTo;
    const [fresh, happened] = [others.filter(isFresh), lines.filter(isFresh)];
    // A look is a poll, and would put off the end that a line tells of.
    if (happened.some(({ kind }) => kind !== "ending")) this.#look();
    if (fresh.length || happened.length) this.#announce([...fresh, ...happened]);
    if (outOfSight) this.#unread += fresh.length;
    this.#tellUnread();
  }

  /** Reads new messages aloud, at most once a second. Of many, it says only how many. */
  #announce(news) {
    this.#unspoken.push(...news);
    if (this.#unspoken.length > news.length) return;
    setTimeout(() => {
      const messages = this.#unspoken.filter((message) => !lineOf(message));
      const one = messages[0] ?? this.#unspoken.at(-1);
      this.#unspoken = [];
      const alone = () => lineOf(one) ?? `${speakerOf(one)}: ${one.text ?? "JSON"}`;
      const words = messages.length > 1 ? plural(messages.length, "new message") : alone();
      byId("announcer").textContent = words.slice(0, 300);
    }, 1000);
  }

  #seen() {
    this.#transcript.seen();
    this.#unread = 0;
    this.#tellUnread();
  }

  #tellUnread() {
    document.title = this.#unread ? `(${this.#unread}) ${TITLE}` : TITLE;
    byId("to-end").hidden = !this.#unread;
    byId("to-end").textContent = plural(this.#unread, "new message");
  }

  #caughtUp() {
    this.#transcript.draw();
    this.#knownTo = Number(this.#feed.cursor);
    this.#tellEmpty();
    this.#look();
  }

  /** The hint for an empty conversation: invite somebody. */
  #tellEmpty() {
    byId("empty").hidden = !this.#isEmpty;
  }

  #tell(state) {
    byId("connection").dataset.state = state;
    byId("connection").textContent = states[state];
  }

  #ends(expiresAt) {
    this.#deadline = Math.max(this.#deadline, Date.parse(expiresAt));
    const isToday = this.#deadline - Date.now() < DAY;
    const time = isToday ? `at ${clock.format(this.#deadline)}` : `on ${moment.format(this.#deadline)}`;
    byId("deadline").textContent = `Deletes itself ${time} if nothing happens`;
  }

  /** Asks who is here, and when the session ends. */
  async #lookNow() {
    if (this.#isOver) return;
    try {
      const query = `/messages?members=true&limit=1&after=${this.#feed.cursor}`;
      const { members } = await call("GET", sessionPath(this.#seat.session, query), { seat: this.#seat });
      const status = await call("GET", sessionPath(this.#seat.session), { seat: this.#seat });
      this.#ends(status.expiresAt);
      this.#control.tell(members, status);
    } catch {
      // The feed asks the same relay, and shows what is wrong.
    }
  }

  #write(field) {
    const text = field.value;
    const size = new TextEncoder().encode(text).length;
    byId("problem").textContent = size > MAX_TEXT ? `Too long: ${size} of at most ${MAX_TEXT} bytes. Split it.` : "";
    if (!text.trim() || size > MAX_TEXT || this.#isOver) return;
    field.value = "";
    this.#outbox.write(text);
    this.#transcript.toEnd();
  }

  /** Returns whether the message has been read from the log already. */
  #sent({ id, redacted = [] }) {
    if (redacted.length) {
      const kinds = redacted.map(({ type, count }) => `${plural(count, "secret")} (${type})`);
      byId("problem").textContent = `The relay removed ${kinds.join(", ")} from your message.`;
    }
    return this.#transcript.has(id);
  }

  async #invite() {
    const parts = [byId("invite-making"), byId("invite-made"), byId("invite-problem")];
    const tell = (part) => parts.forEach((other) => (other.hidden = other !== part));
    tell(byId("invite-making"));
    byId("invite").disabled = true;
    byId("inviting").showModal();
    try {
      const request = { seat: this.#seat, body: { sessionId: this.#seat.session } };
      const { expiresAt, url } = await callPatiently("PUT", "/v1/pair", request);
      this.#control.lookForLinks();
      byId("invite-link").textContent = url;
      byId("invite-page").href = url;
      const minutes = Math.round((Date.parse(expiresAt) - Date.now()) / 60_000);
      byId("invite-until").textContent = `It works once, within ${plural(minutes, "minute")}.`;
      tell(byId("invite-made"));
    } catch (error) {
      byId("invite-problem").textContent = explain(error);
      tell(byId("invite-problem"));
    }
    byId("invite").disabled = false;
  }

  #export(extension, type, form) {
    const day = new Date().toISOString().slice(0, 10);
    download(`conversation-${day}.${extension}`, type, form(this.#transcript.messages));
    byId("export").open = false;
  }

  async #leave() {
    const { session, agent } = this.#seat;
    try {
      await callPatiently("DELETE", sessionPath(session, `/agents/${agent}`), { seat: this.#seat });
    } catch (error) {
      // No longer being a member is what was wanted, and an ended conversation needs no leaving.
      if (error.code !== "session_not_found" && error.reason !== "agent_not_in_session") throw error;
    }
    this.#end("You have left", "Your messages stay readable for the others until the conversation ends.");
  }

  #end(heading, words) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#feed.stop();
    this.#outbox.end(byId("text").value);
    this.#unread = 0;
    this.#tellUnread();
    forget(this.#seat);
    document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
    close([heading, this.#outbox.holdsText ? `${words} What you had not sent is at the end of this page.` : words]);
    show("over", "transcript");
    byId("empty").hidden = true;
    byId("over-heading").focus();
  }
}

begin();
addEventListener("hashchange", ({ oldURL }) => {
  const before = new URL(oldURL);
  // An address with another session is another conversation. Any other change would lose the session, or
  // the seat, that the address holds.
  if (sessionOf(location.hash) !== sessionOf(before.hash)) location.reload();
  else history.replaceState(null, "", before.hash);
});
