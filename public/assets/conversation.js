// An open conversation: reads and writes, says who is here, and hands each part of the page what concerns it.

import { call, calm, sessionPath } from "./api.js";
import { Composer } from "./composer.js";
import { Control } from "./control.js";
import { Feed } from "./feed.js";
import { Inviter } from "./invite.js";
import { Later, keepDrops, keepFind } from "./later.js";
import { Members } from "./members.js";
import { closeMenu, toggleMenu } from "./menu.js";
import { toggleWritten } from "./message.js";
import { canNotify, notifies, notify, toggleNotifications } from "./notify.js";
import { Outbox } from "./outbox.js";
import { byId, show } from "./page.js";
import { Side } from "./side.js";
import { endedBy, gist, isGreeting, isRelays, lineOf, speakerOf, takenOut } from "./relay.js";
import { about, forget, forgetAll, keepAbout, seatOf } from "./seat.js";
import { CONNECTION, explainEnd, over } from "./states.js";
import { firstLine, plural } from "./text.js";
import { Transcript } from "./transcript.js";
import { dayOf, moment, now, span } from "./time.js";

/** How often a visible page asks who is here. This also keeps the session alive. */
const LOOK = 60_000;
/** The shortest time between two such requests. */
const CALM = 3_000;
/** For how long a lost connection is not worth a word. */
const WORRY = 2_000;
/** When parts are loaded that may be needed without a connection. */
const WITHOUT_HURRY = 20_000;
const prepare = () => import("./exports.js").catch(() => {});
const SITE = "nexus-relay";
const NOT_LOADED = "This part of the page cannot be loaded now. Try again.";

export class Conversation {
  #seat;
  #members;
  #transcript;
  #feed;
  #control;
  #composer;
  #outbox;
  #inviter;
  #side;
  #search;
  #isOver = false;
  #unread = 0;
  #unspoken = [];
  #deadline = 0;
  #day = "";
  #topic = "";
  #knownTo = Infinity;
  #worry;
  #carry;
  #tasks;
  #files;
  #look = calm(CALM, () => this.#lookNow());

  constructor(seat) {
    this.#seat = seat;
    show("conversation", "transcript");
    document.body.classList.add("app");
    this.#members = new Members(seat.agent, about(seat.session).names);
    this.#side = new Side();
    this.#transcript = new Transcript(byId("scroller"), byId("messages"), this.#members, {
      drawn: (...drawn) => this.#drawn(...drawn),
      open: (kind, message) => this.#open(kind, message),
      card: (id, shown) => this.#tasks.call("card", id, shown),
      menu: (message, button) => this.#messageMenu(message, button),
    });
    this.#control = new Control(seat, this.#members, {
      ended: (...words) => this.#end(...words),
      changed: () => this.#look(),
      links: (codes) => this.#inviter.opened(codes),
    });
    const { lock } = seat;
    if (lock) lock.ask = (...question) => this.#control.ask(...question);
    byId("lock").hidden = !lock;
    this.#inviter = new Inviter(seat, { made: () => this.#control.lookForLinks(), gone: () => this.#look() });
    this.#composer = new Composer(seat, this.#members, {
      write: (...message) => this.#isOver || this.#outbox.write(...message),
      files: (files) => this.#files.call("offer", files),
    });
    this.#tasks = this.#later("tasks", async (...parts) => new (await import("./tasks.js")).Tasks(...parts));
    this.#files = this.#later("files", async (...parts) => new (await import("./files.js")).Files(...parts));
    keepDrops(this.#files);
    this.#search = new Later(async () => new (await import("./search.js")).Search(this.#transcript, this.#members), this.#missing);
    keepFind(() => this.#find(), () => this.#transcript.isPartial);
    this.#outbox = new Outbox(seat, byId("unsent"), {
      sent: (answer) => this.#sent(answer),
      refused: (reason) => (byId("problem").textContent = `Not sent. ${reason}`),
      drawn: () => this.#transcript.toEnd(),
    });
    const on = {
      message: (message) => this.#take(message),
      event: (event) => this.#happened(event),
      state: (state) => this.#tell(state),
      progress: () => (byId("opening-count").textContent = `${this.#transcript.messages.length} messages so far`),
      caughtUp: () => this.#caughtUp(),
      end: (refusal) => this.#end(...explainEnd(refusal)),
    };
    this.#feed = new Feed(seat, lock?.around(on) ?? on);
    this.#wire();
    this.#title();
    this.#composer.focus();
  }

  /** A panel that is loaded when it is first needed. */
  #later(name, load) {
    const panel = new Later(() => load(this.#seat, this.#members, byId(`${name}-panel`), this.#callsOf(name)), this.#missing);
    byId(`${name}-tab`).addEventListener("focus", () => panel.need());
    byId(`${name}-tab`).addEventListener("click", () => panel.need());
    return panel;
  }

  /** What a panel may ask of the page: to show how many things wait for this person, to look anew at who is
   *  here, to say what went wrong, and to be seen. The page itself reads messages aloud, those of tasks and
   *  files included. */
  #callsOf(name) {
    return {
      count: (number) => this.#side.count(name, number, number > 0),
      changed: () => this.#look(),
      failed: (words) => (byId("problem").textContent = words),
      open: () => this.#side.open(name),
    };
  }

  /** Shows the panel that has what a message tells of, and the thing in it. */
  #open(kind, { json } = {}) {
    this.#side.open(`${kind}s`);
    if (kind === "task") this.#tasks.call("reveal", json?.task?.id);
    if (kind === "file") this.#files.call("reveal", json?.file?.key);
  }

  #wire() {
    const seen = () => !document.hidden && (this.#transcript.atEnd ? this.#seen() : this.#tellUnread());
    byId("scroller").addEventListener("scroll", seen, { passive: true });
    const back = () => {
      if (document.hidden) return;
      seen();
      this.#feed.hurry();
      this.#look();
      this.#tick();
    };
    document.addEventListener("visibilitychange", back);
    addEventListener("pageshow", ({ persisted }) => persisted && back());
    // On phones whose keyboard covers the page instead of making it shorter.
    const fit = () => visualViewport.scale === 1 && (document.body.style.height = `${visualViewport.height}px`);
    if (matchMedia("(pointer: coarse)").matches) globalThis.visualViewport?.addEventListener("resize", fit);
    byId("to-end").addEventListener("click", () => this.#transcript.toEnd());
    byId("open-menu").addEventListener("click", () => this.#menu());
    byId("retry").addEventListener("click", () => this.#feed.hurry());
    this.#carry = new Later(async () => new (await import("./carry.js")).Carry(this.#seat), this.#missing);
    for (const button of document.querySelectorAll("dialog button[type=button][data-close]")) {
      button.addEventListener("click", () => button.closest("dialog").close());
    }
    addEventListener("beforeunload", (event) => this.#outbox.holdsText && event.preventDefault());
    setInterval(() => this.#tick(), LOOK / 4);
    setInterval(() => {
      if (document.hidden) return;
      this.#look();
      if (this.#control.hasLinks) this.#control.lookForLinks();
    }, LOOK);
  }

  /** Renews what time alone changes. */
  #tick() {
    this.#tellDeadline();
    if (this.#day !== dayOf(now())) this.#transcript.renew();
    this.#day = dayOf(now());
  }

  /** Takes an event that is not in the log. */
  #happened({ event, by }) {
    if (event === "ended") this.#end(...endedBy(by, this.#seat.agent, this.#members.name));
    else this.#look();
  }

  #take(message) {
    this.#outbox.arrived(message.id);
    this.#ends(message.expiresAt);
    if (isGreeting(message)) this.#topic = firstLine(message.text ?? "");
    if (message.kind === "task") this.#tasks.call("take", message);
    if (message.kind === "file") this.#files.call("take", message);
    this.#transcript.add(message);
  }

  #drawn(others, outOfSight, lines) {
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
      const name = this.#members.name;
      const alone = () => lineOf(one, name) ?? `${speakerOf(one, name)}: ${gist(one, name)}`;
      const words = (messages.length > 1 ? plural(messages.length, "new message") : alone()).slice(0, 300);
      byId("announcer").textContent = words;
      if (messages.length) notify(this.#called, words, this.#seat.session);
    }, 1000);
  }

  #seen() {
    this.#transcript.seen();
    this.#unread = 0;
    this.#tellUnread();
  }

  #tellUnread() {
    this.#title();
    const button = byId("to-end");
    button.hidden = this.#transcript.atEnd && !this.#unread;
    byId("to-end-words").textContent = this.#unread ? plural(this.#unread, "new message") : "Newest";
    button.classList.toggle("quiet", !this.#unread);
  }

  /** What the conversation is called: its topic, else those who are in it. */
  get #called() {
    return this.#topic || this.#members.others() || "Conversation";
  }

  #title() {
    const title = this.#called;
    if (byId("title").textContent !== title) byId("title").textContent = title;
    const whole = `${title} - ${SITE}`;
    document.title = this.#unread ? `(${this.#unread}) ${whole}` : whole;
  }

  #caughtUp() {
    this.#knownTo = Number(this.#transcript.messages.at(-1)?.cursor ?? 0);
    byId("opening-messages").hidden = true;
    this.#transcript.isReady = true;
    this.#transcript.draw();
    this.#transcript.toEnd();
    this.#composer.found((id) => this.#transcript.message(id));
    this.#title();
    this.#tellDeadline();
    this.#look();
    // When the connection is lost, what was said can still be saved.
    setTimeout(prepare, WITHOUT_HURRY);
  }

  #tell(state) {
    if (this.#isOver) return;
    byId("connection").dataset.state = state;
    byId("connection").textContent = CONNECTION[state];
    clearTimeout(this.#worry);
    if (state === "waiting") this.#worry = setTimeout(() => (byId("offline").hidden = false), WORRY);
    else if (state !== "connecting") byId("offline").hidden = true;
  }

  #ends(expiresAt) {
    this.#deadline = Math.max(this.#deadline, Date.parse(expiresAt) || 0);
    if (this.#knownTo < Infinity) this.#tellDeadline();
  }

  #tellDeadline() {
    if (!this.#deadline) return;
    const left = this.#deadline - now();
    const long = `Deletes itself in ${span(left)}`;
    if (byId("deadline-long").textContent === long) return;
    byId("deadline-long").textContent = long;
    byId("deadline-short").textContent = `${span(left)} left`;
    byId("deadline").title = `On ${moment(this.#deadline)}, unless somebody writes or reads before`;
    byId("deadline").classList.toggle("soon", left < 300_000);
  }

  /** Asks who is here, and when the session ends. */
  async #lookNow() {
    if (this.#isOver) return;
    try {
      const query = `/messages?members=true&limit=1&after=${this.#feed.cursor}`;
      const { members } = await call("GET", sessionPath(this.#seat.session, query), { seat: this.#seat });
      const status = await call("GET", sessionPath(this.#seat.session), { seat: this.#seat });
      if (this.#isOver) return;
      this.#ends(status.expiresAt);
      const { isChanged, isRenamed } = this.#members.take(members);
      if (isRenamed) this.#transcript.renew();
      byId("me").textContent = this.#members.name(this.#seat.agent);
      this.#control.tell(members, status);
      this.#inviter.tell(members.length === 1);
      this.#side.count("people", members.length);
      this.#tasks.tell("tell", isChanged);
      this.#files.tell("tell", isChanged);
      this.#title();
      const until = this.#deadline - now() + Date.now();
      keepAbout(this.#seat.session, { title: this.#called, until, names: this.#members.names });
    } catch (error) {
      // The feed asks the same relay, and shows what is wrong.
      if (!error.status && !(error instanceof TypeError)) console.warn(error);
    }
  }

  /** Returns whether the message has been read from the log already. */
  #sent({ id, redacted = [] }) {
    if (redacted.length) byId("problem").textContent = `The relay removed ${takenOut(redacted)} from your message.`;
    return this.#transcript.has(id);
  }

  /** Opens the search at once. It finds as soon as it is loaded. */
  #find() {
    byId("search").hidden = false;
    byId("search-text").focus();
    byId("search-text").select();
    this.#search.call("open");
  }

  #menu() {
    const isLive = !this.#isOver;
    toggleMenu(byId("open-menu"), "Conversation", [
      { id: "find", icon: "search", label: "Search", action: () => this.#find() },
      { id: "as-markdown", icon: "download", label: "Export as Markdown", action: () => this.#export("md", "text/markdown") },
      { id: "as-json", icon: "download", label: "Export as JSON", action: () => this.#export("json", "application/json") },
      { id: "print", icon: "file", label: "Print", action: () => print() },
      isLive && canNotify && { id: "notify", icon: "bell", label: "Notifications", isChecked: notifies(), action: () => this.#notifications() },
      isLive && { id: "carry", icon: "phone", label: "Continue on my phone", action: () => this.#carry.call("open") },
      isLive && this.#control.mayLeave && { id: "menu-leave", icon: "leave", label: "Leave", action: () => this.#control.askToLeave() },
      isLive && this.#control.mayEnd && { id: "menu-end", icon: "cross", label: "End for everybody", isDanger: true, action: () => this.#control.askToEnd() },
    ]);
  }

  #messageMenu(message, button) {
    const article = button.closest("article");
    const isWritten = Boolean(article.querySelector(".written"));
    toggleMenu(button, "Message", [
      !this.#isOver && { id: "reply", icon: "reply", label: "Reply", action: () => this.#composer.reply(message) },
      message.text !== undefined && { id: "copy-text", icon: "copy", label: "Copy the text", action: () => this.#copy(message.text) },
      message.text !== undefined && { id: "written", icon: "edit", label: "Show as written", isChecked: isWritten, action: () => toggleWritten(article, message) },
    ]);
  }

  async #copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      byId("announcer").textContent = "Copied";
    } catch {
      byId("problem").textContent = "Your browser did not allow copying. Mark the text and copy it by hand.";
    }
  }

  async #notifications() {
    byId("announcer").textContent = byId("problem").textContent = await toggleNotifications();
  }

  async #export(extension, type) {
    try {
      const { exported } = await import("./exports.js");
      exported(extension, type, this.#called, this.#transcript.messages, this.#members.name);
    } catch {
      this.#missing();
    }
  }

  #missing = () => (byId("problem").textContent = NOT_LOADED);

  #end(heading, words) {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#worry);
    this.#feed.stop();
    this.#transcript.isReady = true;
    this.#transcript.draw();
    this.#outbox.end(this.#composer.text);
    prepare();
    this.#composer.end();
    this.#inviter.end();
    this.#unread = 0;
    forget(this.#seat);
    // Another tab may have taken another seat meanwhile.
    if (!seatOf(location.hash).seat) forgetAll(this.#seat.session);
    closeMenu();
    document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
    const isSaid = this.#transcript.messages.some((message) => !isRelays(message));
    over(heading, this.#outbox.holdsText ? `${words} What you had not sent is at the end of the messages.` : words, isSaid);
    byId("save").addEventListener("click", () => this.#export("md", "text/markdown"));
    this.#tasks.tell("close");
    this.#files.tell("close");
    this.#side.end();
    show("over", "transcript");
    document.body.classList.add("ended");
    for (const id of ["invite", "open-panel", "offline", "deadline", "opening-messages"]) byId(id).hidden = true;
    byId("connection").dataset.state = "over";
    byId("connection").textContent = "Over";
    this.#tellUnread();
    this.#transcript.toEnd();
    byId("over-heading").focus({ preventScroll: true });
  }
}
