// The operator's page: small charts of the last hours.

import { call, Refused } from "./api.js";
import { byId, make, onSubmit, show } from "./page.js";

const KEY = "nexus-admin";
const MINUTES = 180;
const EVERY = 30_000;
const CHARTS = [
  ["sessions", "Sessions", "at the beginning of the minute"],
  ["messages", "Messages", "a minute"],
  ["requests", "Requests", "a minute"],
  ["refused", "Refused", "a minute (4xx)"],
  ["limited", "Limits hit", "a minute (429)"],
  ["failed", "Errors", "a minute (5xx)"],
];

const read = (token) => call("GET", "/v1/admin/activity", { headers: { Authorization: `Bearer ${token}` } });

/** The values of the last minutes, oldest first; 0 where nothing happened. */
function values(minutes, name, now) {
  const row = new Array(MINUTES).fill(0);
  for (const minute of minutes) {
    const age = Math.floor((now - Date.parse(minute.at)) / 60_000);
    if (age >= 0 && age < MINUTES) row[MINUTES - 1 - age] = minute[name];
  }
  return row;
}

function element(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function chart([name, title, unit], minutes, now) {
  const row = values(minutes, name, now);
  const most = Math.max(...row);
  const last = row[MINUTES - 1];
  const words = ` ${unit}: now ${last}, at most ${most}`;
  const caption = make("figcaption", {}, make("b", {}, title), words);
  const path = row
    .map((value, at) => (value ? `M${at} 40V${40 - Math.max(1, (value / most) * 38)}h1V40z` : ""))
    .join("");
  const attributes = { viewBox: `0 0 ${MINUTES} 40`, preserveAspectRatio: "none", role: "img" };
  const label = { "aria-label": `${title}${words}` };
  const bars = element("svg", { ...attributes, ...label }, element("path", { d: path }));
  return make("figure", { className: "card" }, caption, bars);
}

function draw({ stats, minutes }) {
  byId("now").textContent =
    `${stats.activeSessions} sessions, ${stats.totalAgents} agents in them, ${stats.totalMessages} messages.`;
  byId("charts").replaceChildren(...CHARTS.map((one) => chart(one, minutes, Date.now())));
}

let timer;

async function watch(token) {
  clearTimeout(timer);
  try {
    draw(await read(token));
    byId("trouble").textContent = "";
  } catch (error) {
    if (error instanceof Refused && error.status < 429) return forget();
    byId("trouble").textContent = error.message;
  }
  timer = setTimeout(watch, EVERY, token);
}

function forget() {
  clearTimeout(timer);
  sessionStorage.removeItem(KEY);
  byId("charts").replaceChildren();
  show("enter");
}

onSubmit(byId("enter"), async () => {
  const token = byId("token").value.trim();
  draw(await read(token));
  sessionStorage.setItem(KEY, token);
  byId("token").value = "";
  show("figures");
  timer = setTimeout(watch, EVERY, token);
});

byId("forget").addEventListener("click", forget);

const kept = sessionStorage.getItem(KEY);
if (kept) {
  show("figures");
  watch(kept);
}
