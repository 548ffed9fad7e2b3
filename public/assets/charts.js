// Charts of what happened in each minute: axes with round values and times, the value of each bar by pointer, touch
// and arrow keys, and the same as a table.

import { make } from "./page.js";
import { clock } from "./time.js";

const MINUTE = 60_000;
/** The most bars of a chart: where there are more minutes, a bar stands for several. */
const MOST_BARS = 180;
/** Space around the bars: for the values on the left, half a time on the right, the times below. */
const LEFT = 44;
const RIGHT = 30;
const TOP = 8;
const BOTTOM = 22;
const HEIGHT = 150;
/** How wide a time may be. */
const LABEL = 64;
/** Between times on the axis, in minutes. */
const STEPS = [5, 10, 15, 30, 60, 120, 180, 240, 360];

/** What is shown: name, title, unit, and how several minutes become one bar. */
export const CHARTS = [
  ["sessions", "Sessions", "open", Math.max],
  ["messages", "Messages", "new", sum],
  ["requests", "Requests", "answered", sum],
  ["refused", "Refused", "answered with 4xx", sum],
  ["limited", "Limits hit", "answered with 429", sum],
  ["failed", "Errors", "answered with 5xx", sum],
];

function sum(...values) {
  return values.reduce((all, value) => all + value, 0);
}

const number = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: "compact" });

/** The bars of the last `count` minutes before `now`, oldest first: when each begins, how many minutes it stands
 *  for, and its values by name. */
export function bars({ minutes, now }, count) {
  const size = Math.ceil(count / MOST_BARS);
  const end = Math.floor(now / MINUTE) + 1;
  const many = Math.ceil(count / size);
  const row = Array.from({ length: many }, (_, at) => ({ at: (end - (many - at) * size) * MINUTE, size, minutes: [] }));
  for (const minute of minutes) {
    const at = many - 1 - Math.floor((end - 1 - Date.parse(minute.at) / MINUTE) / size);
    row[at]?.minutes.push(minute);
  }
  for (const bar of row) {
    for (const [name, , , together] of CHARTS) bar[name] = together(0, ...bar.minutes.map((minute) => minute[name]));
  }
  return row;
}

/** The time of a bar: `09:30`, `09:30 to 09:38`. */
export const timeOf = ({ at, size }) =>
  size === 1 ? clock(at) : `${clock(at)} to ${clock(at + size * MINUTE)}`;

/** Round values from 0 to at least `most`, which are whole numbers. */
export function ticks(most) {
  const rough = Math.max(most, 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].map((times) => times * power).find((value) => value >= rough));
  return Array.from({ length: Math.ceil(Math.max(most, 1) / step) + 1 }, (_, at) => at * step);
}

/** Round times between two, as far apart as `least` minutes or more. */
function times(from, to, least) {
  const step = (STEPS.find((minutes) => minutes >= least) ?? STEPS.at(-1)) * MINUTE;
  const zone = new Date(from).getTimezoneOffset() * MINUTE;
  const found = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to; at += step) found.push(at);
  return found;
}

function draw(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** One chart. It keeps which bar is chosen while its values change. */
export class Chart {
  #name;
  #title;
  #unit;
  #bars = [];
  /** Where the chosen bar begins, as a time; none if no bar is chosen. */
  #chosen;
  #said = make("span", { className: "value" });
  #plot = make("div", { className: "plot", tabIndex: 0 });
  element;

  constructor([name, title, unit]) {
    [this.#name, this.#title, this.#unit] = [name, title, unit];
    this.#plot.setAttribute("role", "slider");
    this.#plot.setAttribute("aria-label", `${title}: time`);
    this.#plot.setAttribute("aria-valuemin", 0);
    const caption = make("figcaption", {}, make("b", {}, title), this.#said);
    this.element = make("figure", { className: `card chart-${name}` }, caption, this.#plot);
    this.#plot.addEventListener("keydown", (event) => this.#press(event));
    this.#plot.addEventListener("pointermove", (event) => this.#point(event));
    this.#plot.addEventListener("pointerdown", (event) => this.#point(event));
    this.#plot.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.#choose());
    this.#plot.addEventListener("blur", () => this.#choose());
    this.#plot.addEventListener("focus", () => this.#chosen ?? this.#choose(this.#bars.length - 1));
    new ResizeObserver(() => this.#draw()).observe(this.#plot);
  }

  /** Shows other values. */
  show(row) {
    this.#bars = row;
    this.#draw();
  }

  get #at() {
    const at = this.#bars.findIndex((bar) => bar.at === this.#chosen);
    return at < 0 ? undefined : at;
  }

  #choose(at) {
    this.#chosen = this.#bars[at]?.at;
    this.#mark();
  }

  #press(event) {
    const last = this.#bars.length - 1;
    const at = this.#at ?? last;
    const to = {
      ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1,
      PageDown: at - 10, PageUp: at + 10, Home: 0, End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#choose(Math.min(last, Math.max(0, to)));
  }

  #point({ clientX }) {
    const { left, width } = this.#plot.getBoundingClientRect();
    const at = Math.floor(((clientX - left - LEFT) / (width - LEFT - RIGHT)) * this.#bars.length);
    this.#choose(Math.min(this.#bars.length - 1, Math.max(0, at)));
  }

  /** The value of a bar in words. */
  #words(bar) {
    const value = `${timeOf(bar)}: ${number.format(bar[this.#name])} ${this.#unit}`;
    return bar.minutes.length || this.#name !== "sessions" ? value : `${timeOf(bar)}: nothing happened`;
  }

  /** Says and marks which bar is chosen; without one, the newest and the highest are told. */
  #mark() {
    const row = this.#bars;
    if (row.length === 0) return;
    const at = this.#at;
    const highest = row.reduce((best, bar) => (bar[this.#name] > best[this.#name] ? bar : best));
    const most = highest[this.#name];
    const summary = most ? `most: ${number.format(most)} at ${clock(highest.at)}` : `none ${this.#unit}`;
    this.#said.textContent = at === undefined ? summary : this.#words(row[at]);
    this.#plot.setAttribute("aria-valuemax", row.length - 1);
    this.#plot.setAttribute("aria-valuenow", at ?? row.length - 1);
    this.#plot.setAttribute("aria-valuetext", this.#words(row[at ?? row.length - 1]));
    const line = this.#plot.querySelector(".chosen");
    const width = (this.#plot.clientWidth - LEFT - RIGHT) / row.length;
    line?.setAttribute("x", LEFT + (at ?? 0) * width);
    line?.setAttribute("width", at === undefined ? 0 : Math.max(width, 1));
  }

  #draw() {
    const [row, width] = [this.#bars, this.#plot.clientWidth];
    if (row.length === 0 || width === 0) return;
    const inner = width - LEFT - RIGHT;
    const bottom = HEIGHT - BOTTOM;
    const scale = ticks(Math.max(...row.map((bar) => bar[this.#name])));
    const y = (value) => bottom - (value / scale.at(-1)) * (bottom - TOP);
    const [from, span] = [row[0].at, row.length * row[0].size * MINUTE];
    const x = (time) => LEFT + ((time - from) / span) * inner;
    const path = row.map((bar, at) => {
      const value = bar[this.#name];
      if (!value) return "";
      const [left, right] = [at, at + 1].map((index) => LEFT + (index / row.length) * inner);
      return `M${left.toFixed(1)} ${bottom}V${Math.min(y(value), bottom - 1).toFixed(1)}H${right.toFixed(1)}V${bottom}z`;
    });
    const values = scale.flatMap((value) => [
      draw("line", { x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      draw("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, short.format(value)),
    ]);
    const least = (LABEL / inner) * (span / MINUTE);
    const labels = times(from, from + span, least).flatMap((time) => [
      draw("line", { class: "tick", x1: x(time), x2: x(time), y1: bottom, y2: bottom + 4 }),
      draw("text", { x: x(time), y: HEIGHT - 4, "text-anchor": "middle" }, clock(time)),
    ]);
    const chosen = draw("rect", { class: "chosen", y: TOP, height: bottom - TOP, width: 0 });
    const all = [chosen, ...values, draw("path", { d: path.join("") }), ...labels];
    const size = { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, "aria-hidden": "true" };
    this.#plot.replaceChildren(draw("svg", size, ...all));
    this.#mark();
  }
}

/** The same values as a table, the newest first, without the times in which nothing happened. */
export function table(row) {
  const head = make("tr", {}, make("th", { scope: "col" }, "Time"));
  head.append(...CHARTS.map(([, title]) => make("th", { scope: "col" }, title)));
  const lines = row.filter((bar) => bar.minutes.length).reverse();
  const body = lines.map((bar) => {
    const cells = CHARTS.map(([name]) => make("td", {}, number.format(bar[name])));
    return make("tr", {}, make("th", { scope: "row" }, timeOf(bar)), ...cells);
  });
  return make("table", { className: "numbers" }, make("thead", {}, head), make("tbody", {}, ...body));
}
