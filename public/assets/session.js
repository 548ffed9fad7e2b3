// The conversation page: join with a name, read as it comes, write, see who is here, invite, leave.

import { Refused, call, callPatiently, explain, isPassing, pause, random, sessionPath, sleep } from "./api.js";
import { download, toJson, toMarkdown } from "./exports.js";
import { Feed } from "./feed.js";
import { byId, make, onSubmit, show } from "./page.js";
import { forget, lastName, readName, seatOf, take } from "./seat.js";
import { plural } from "./text.js";
import { Transcript } from "./transcript.js";

/** How often a page that is being looked at asks who is here, which also keeps the session alive. */
const LOOK = 60_000;
const MAX_TEXT = 65_536;
const TITLE = document.title;

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
});
byId("name").addEventListener("input", () => byId("name").setCustomValidity(""));

class Conversation {
  #seat;
  #transcript;
  #feed;
  #isOver = false;
  #unread = 0;
  #speaks = false;
  #unspoken = [];
  #deadline = 0;
  #unsent = Promise.resolve();

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
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
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
    addEventListener("beforeunload", (event) => byId("unsent").childElementCount && event.preventDefault());
    setInterval(() => document.hidden || this.#look(), LOOK);
  }

  #take(message) {
    byId(`unsent-${message.id}`)?.remove();
    this.#ends(message.expiresAt);
    this.#transcript.add(message);
  }

  #drawn(others, outOfSight) {
    this.#tellEmpty();
    // What was there at the beginning is not read aloud.
    if (!this.#speaks || !others.length) return;
    this.#announce(others);
    if (outOfSight) this.#unread += others.length;
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
    this.#speaks = true;
    this.#tellEmpty();
    this.#look();
  }

  /** Whoever comes first comes to invite someone. */
  #tellEmpty() {
    byId("empty").hidden = this.#transcript.messages.some(({ agentId }) => agentId !== "system");
  }

  #tell(state) {
    byId("connection").dataset.state = state;
    byId("connection").textContent = states[state];
  }

  #ends(expiresAt) {
    this.#deadline = Math.max(this.#deadline, Date.parse(expiresAt));
    const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
    byId("deadline").textContent = `Deletes itself at ${time.format(this.#deadline)} if nothing happens`;
  }

  /** Who is here, and until when the session lives. */
  async #look() {
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
    const seen = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(Date.parse(lastSeenAt));
    const words = online ? "online" : `last seen ${seen}`;
    const name = agentId === this.#seat.agent ? `${agentId} (you)` : agentId;
    return make("li", { className: online ? "online" : "offline" }, make("strong", {}, name), " ", make("span", {}, words));
  }

  /** Messages go out one after the other, each until it is stored or refused. */
  #write(field) {
    const text = field.value.trim();
    const size = new TextEncoder().encode(text).length;
    byId("problem").textContent = size > MAX_TEXT ? `Too long: ${size} of at most ${MAX_TEXT} bytes. Split it.` : "";
    if (!text || size > MAX_TEXT || this.#isOver) return;
    field.value = "";
    const waiting = make("p", { className: "unsent", dir: "auto" }, text);
    byId("unsent").append(waiting);
    this.#transcript.toEnd();
    this.#unsent = this.#unsent.then(() => this.#send(text, waiting));
  }

  async #send(text, waiting) {
    const request = { seat: this.#seat, headers: { "Idempotency-Key": random() }, body: { text } };
    for (let failures = 1; !this.#isOver; failures += 1) {
      try {
        const sent = await call("POST", sessionPath(this.#seat.session, "/messages"), request);
        for (const { type, count } of sent.redacted ?? []) {
          byId("problem").textContent = `The relay removed ${plural(count, "secret")} (${type}) from your message.`;
        }
        waiting.id = `unsent-${sent.id}`;
        if (this.#transcript.has(sent.id)) waiting.remove();
        return;
      } catch (error) {
        if (!isPassing(error)) {
          byId("problem").textContent = `Not sent. ${explain(error)}`;
          byId("text").value ||= text;
          waiting.remove();
          return;
        }
        await sleep(pause(failures, error));
      }
    }
  }

  async #invite() {
    const dialog = byId("inviting");
    byId("invite-problem").textContent = "";
    try {
      const body = { sessionId: this.#seat.session };
      const { expiresAt, url } = await callPatiently("PUT", "/v1/pair", { body });
      byId("invite-link").textContent = url;
      byId("invite-page").href = url;
      const minutes = Math.round((Date.parse(expiresAt) - Date.now()) / 60_000);
      byId("invite-until").textContent = `It works once, within ${plural(minutes, "minute")}.`;
    } catch (error) {
      byId("invite-problem").textContent = explain(error);
    }
    dialog.showModal();
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
    byId("leaving").close();
    this.#end("You have left", "Your messages stay readable for the others until the conversation ends.");
  }

  #end(heading, words) {
    this.#isOver = true;
    this.#feed.stop();
    forget(this.#seat.session);
    close(heading, words);
    show("over", "transcript");
    byId("over-heading").focus();
  }
}

begin();
// Another link of this kind in the same tab is another conversation.
addEventListener("hashchange", () => location.reload());
