// The operator's page: what happened lately, which limits were hit, and the end of a session.

import { call, Refused } from "./api.js";
import { bars, CHARTS, Chart, table } from "./charts.js";
import { byId, make, onSubmit, show } from "./page.js";
import { moment, span } from "./time.js";
import { wireTracing } from "./tracing.js";

const KEY = "nexus-admin";
const EVERY = 30_000;
const HOUR = 60;
/** What each limit is of, by its name in the answer. */
const LIMITS = {
  requests: "Requests of an IP in a minute",
  keyed: "Requests with keys of an IP in a minute",
  sessions: "New sessions of an IP in a minute",
  links: "New links of an IP in a minute",
  addresses: "New addresses of an IP in a minute",
  guesses: "Wrong codes, secrets or tokens of an IP",
  agent: "Requests of an agent in a minute",
  sender: "Messages of a sender to an address in a minute",
  streams: "Event streams of a reader",
  seats: "Seats of a session",
  open_links: "Unused links of a session",
  webhook_hosts: "Hosts of the webhooks of a session",
  messages: "Messages of a session",
  unproven: "Messages without a proof of a session",
  inbox: "Waiting messages of an address",
  turns: "Turns of a conversation between addresses",
  lists: "Agents on a block or allow list",
  message_size: "Size of a message",
  file_size: "Size of a file",
  files: "Files of a session together",
};

const number = new Intl.NumberFormat();
const count = (value, one) => `${number.format(value)} ${one}${value === 1 ? "" : "s"}`;
const read = (token) => call("GET", "/v1/admin/activity", { headers: { Authorization: `Bearer ${token}` } });

const charts = CHARTS.map((chart) => new Chart(chart));
/** The last answer, with the relay's time in milliseconds. */
let shown;
/** How many minutes are shown; 0 for all that there are. */
let range = 3 * HOUR;

/** How many minutes to show. */
function minutesShown({ minutes, now }) {
  if (range) return range;
  const [oldest] = minutes;
  return oldest ? Math.max(HOUR, Math.ceil((now - Date.parse(oldest.at)) / 60_000)) : HOUR;
}

function limit({ limit, lastHour, lastDay, lastAt }) {
  const at = Date.parse(lastAt);
  const ago = `${span(Math.max(60_000, shown.now - at))} ago`;
  const when = make("time", { dateTime: lastAt, title: moment(at) }, ago);
  const cells = [number.format(lastHour), number.format(lastDay), when].map((cell) => make("td", {}, cell));
  return make("tr", {}, make("th", { scope: "row" }, LIMITS[limit] ?? limit), ...cells);
}

function drawTable(row) {
  if (byId("values").open) byId("values-table").replaceChildren(table(row));
}

function draw() {
  const { stats, minutes, limits } = shown;
  byId("now").textContent = [
    count(stats.activeSessions, "session"),
    `${count(stats.totalAgents, "agent")} in them`,
    count(stats.totalMessages, "message"),
  ].join(", ");
  const row = bars(shown, minutesShown(shown));
  for (const chart of charts) chart.show(row);
  byId("bar-words").textContent = row[0].size === 1 ? "each minute" : `each ${row[0].size} minutes`;
  byId("nothing").hidden = minutes.length > 0;
  drawTable(row);
  byId("limits").hidden = limits.length === 0;
  byId("no-limits").hidden = limits.length > 0;
  byId("limit-rows").replaceChildren(...limits.map(limit));
}

function take(answer) {
  shown = { ...answer, now: Date.parse(answer.now) };
  draw();
}

let timer;
const kept = () => sessionStorage.getItem(KEY) ?? "";

async function watch() {
  clearTimeout(timer);
  const token = kept();
  try {
    const answer = await read(token);
    if (token !== kept()) return;
    take(answer);
    byId("trouble").textContent = "";
  } catch (error) {
    if (error instanceof Refused && error.status < 429) return refuse();
    byId("trouble").textContent = `These figures are old: ${error.message}`;
  }
  timer = setTimeout(watch, EVERY);
}

function forget() {
  clearTimeout(timer);
  sessionStorage.removeItem(KEY);
  byId("limit-rows").replaceChildren();
  byId("values-table").replaceChildren();
  byId("found").hidden = true;
  byId("request-id").value = "";
  show("enter");
  byId("token").focus();
}

/** Asks for the token again. */
function refuse() {
  forget();
  byId("enter").querySelector("[role=alert]").textContent =
    "This is not the operator's token. It is the value of ADMIN_TOKEN of this relay.";
}

onSubmit(byId("enter"), async () => {
  const token = byId("token").value.trim();
  let answer;
  try {
    answer = await read(token);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return refuse();
    throw error;
  }
  sessionStorage.setItem(KEY, token);
  byId("token").value = "";
  show("figures");
  take(answer);
  byId("now").focus();
  timer = setTimeout(watch, EVERY);
});

byId("forget").addEventListener("click", forget);
byId("charts").append(...charts.map((chart) => chart.element));
byId("values").addEventListener("toggle", () => shown && draw());
for (const button of document.querySelectorAll("#ranges button")) {
  button.addEventListener("click", () => {
    range = Number(button.value);
    for (const other of document.querySelectorAll("#ranges button")) {
      other.setAttribute("aria-pressed", other === button);
    }
    if (shown) draw();
  });
}
wireTracing(kept, refuse);

if (kept()) {
  show("figures");
  watch();
}
