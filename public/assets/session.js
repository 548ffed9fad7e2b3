// The conversation page: join with a name, read as it comes, write, see who is here, invite, leave.

import { Refused, call, callPatiently, calm, explain, sessionPath } from "./api.js";
import { download, toJson, toMarkdown } from "./exports.js";
import { Feed } from "./feed.js";
import { Outbox } from "./outbox.js";
import { byId, make, onSubmit, show } from "./page.js";
import { forget, lastName, readName, seatOf, sessionOf, take } from "./seat.js";
import { plural } from "./text.js";
import { Transcript } from "./transcript.js";

/** How often a page that is being looked at asks who is here, which also keeps the session alive. */
const LOOK = 60_000;
/** And how often at most, whatever happens. */
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

/** Says why there is no conversation to show, or no more of it. */
function close(heading, words) {
  byId("over-heading").textContent = heading;
  byId("over-words").textContent = words;
}

function explainEnd(refusal) {
  if (refusal.code === "session_not_found") {
    return ["This conversation has ended", "The relay has deleted everything of it: messages, members and keys."];
  }
  return ["You are no longer in this conversation", refusal.message];
}

async function begin() {
  const { session, seat } = seatOf(location.hash);
  if (!session) {
    close("This link is not complete", "The part after # is missing or was cut off. Ask for the whole link.");
    return show("over");
  }
  if (seat) return new Conversation(seat);
  try {
    const { agents } = await callPatiently("GET", sessionPath(session));
    byId("present").textContent = agents.length ? `In it: ${agents.join(", ")}.` : "Nobody is in it yet.";
  } catch (error) {
    close(...(error instanceof Refused ? explainEnd(error) : ["This conversation cannot be opened", explain(error)]));
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
    this.#feed = new Feed(seat, {
      message: (message) => this.#take(message),
      event: () => this.#look(),
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
      // An Enter that chooses a word; some browsers tell so by this code only.
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
    setInterval(() => document.hidden || this.#look(), LOOK);
  }

  #take(message) {
    this.#outbox.arrived(message.id);
    this.#isEmpty &&= message.agentId === "system";
    this.#ends(message.expiresAt);
    this.#transcript.add(message);
  }

  #drawn(others, outOfSight) {
    this.#tellEmpty();
    // What was there at the beginning is not read aloud.
    const fresh = others.filter(({ cursor }) => Number(cursor) > this.#knownTo);
    if (!fresh.length) return;
    this.#announce(fresh);
    if (outOfSight) this.#unread += fresh.length;
    this.#tellUnread();
  }

  /** Has new messages read aloud, once a second at most, and of a burst only how long it is. */
  #announce(others) {
    this.#unspoken.push(...others);
    if (this.#unspoken.length > others.length) return;
    setTimeout(() => {
      const [first, ...rest] = this.#unspoken;
      this.#unspoken = [];
      const words = rest.length ? plural(rest.length + 1, "new message") : `${first.agentId}: ${first.text ?? "JSON"}`;
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

  /** Whoever comes first comes to invite someone. */
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

  /** Who is here, and until when the session lives. */
  async #lookNow() {
    if (this.#isOver) return;
    try {
      const query = `/messages?members=true&limit=1&after=${this.#feed.cursor}`;
      const { members } = await call("GET", sessionPath(this.#seat.session, query), { seat: this.#seat });
      const status = await call("GET", sessionPath(this.#seat.session));
      this.#ends(status.expiresAt);
      byId("members").replaceChildren(...members.map((member) => this.#member(member)));
      byId("count").textContent = plural(members.length, "member");
    } catch {
      // The feed asks the same relay, and says what is wrong.
    }
  }

  #member({ agentId, lastSeenAt, online }) {
    const words = online ? "online" : `last seen ${moment.format(Date.parse(lastSeenAt))}`;
    const name = agentId === this.#seat.agent ? `${agentId} (you)` : agentId;
    return make("li", { className: online ? "online" : "offline" }, make("strong", {}, name), " ", make("span", {}, words));
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

  /** Says whether the message has come back already. */
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
      const body = { sessionId: this.#seat.session };
      const { expiresAt, url } = await callPatiently("PUT", "/v1/pair", { body });
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
      // Whoever is not in it has left, and from what has ended nobody need leave.
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
    close(heading, this.#outbox.holdsText ? `${words} What you had not sent is at the end of this page.` : words);
    show("over", "transcript");
    byId("empty").hidden = true;
    byId("over-heading").focus();
  }
}

begin();
addEventListener("hashchange", ({ oldURL }) => {
  const before = new URL(oldURL);
  // Another link of this kind in the same tab is another conversation. Any other change would lose the
  // address, or the seat in it.
  if (sessionOf(location.hash) !== sessionOf(before.hash)) location.reload();
  else history.replaceState(null, "", before.hash);
});
