// Markdown of agents as DOM nodes: headings, lists, tasks, quotes, code, tables, rules. Never HTML. Takes
// linear time, and depth and elements have bounds: what is beyond stays text. Line breaks are kept, because
// people and agents in conversations mean them.

import { inline } from "./inline.js";
import { make, onCopy } from "./page.js";
import { nodes, plain, someMarks } from "./text.js";

/** How deep lists and quotes may be nested. */
const DEEP = 6;
/** The most elements of one text. */
const ELEMENTS = 1500;
const COLUMNS = 30;
/** The headings of a message stand below those of the page. */
const TOP = 2;

const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(\S.*)$/;
const RULE = /^ {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$/;
const QUOTE = /^ {0,3}>/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])( {1,4}|\t)(?=\S)/;
const TASK = /^\[([ xX])\][ \t]+(?=\S)/;
const DELIMITERS = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

/** The nodes of a text. `redacted` are the kinds of secrets that the relay took out of it, `isCut` says that
 *  it goes on. */
export function markdown(text, { isCut = false, redacted = new Set() } = {}) {
  const context = { isCut, redacted, marks: someMarks(), room: { left: ELEMENTS }, level: TOP };
  return blocks(text.replace(/\r\n?/g, "\n").split("\n"), context, 0);
}

function blocks(lines, context, depth) {
  const made = [];
  for (let at = 0; at < lines.length; ) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    if (context.room.left <= 0) {
      made.push(make("p", {}, ...nodes(lines.slice(at).join("\n"), context)));
      break;
    }
    context.room.left -= 1;
    const [block, next] = (kindOf(lines, at, depth) ?? paragraph)(lines, at, context, depth);
    made.push(block);
    at = next;
  }
  return made;
}

/** Which kind of block begins at a line, if it is no paragraph. */
function kindOf(lines, at, depth) {
  const line = lines[at];
  if (FENCE.test(line)) return fence;
  if (HEADING.test(line)) return heading;
  if (RULE.test(line)) return rule;
  if (depth < DEEP && QUOTE.test(line)) return quote;
  if (depth < DEEP && ITEM.test(line)) return list;
  if (line.includes("|") && DELIMITERS.test(lines[at + 1] ?? "") && lines[at + 1].includes("-")) return table;
  return undefined;
}

function paragraph(lines, at, context, depth) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && !kindOf(lines, end, depth)) end += 1;
  return [make("p", {}, ...inline(lines.slice(at, end).join("\n"), context)), end];
}

function heading(lines, at, context) {
  const [, signs, words] = HEADING.exec(lines[at]);
  // No level is left out, so that those who go from heading to heading miss nothing.
  context.level = Math.min(TOP + signs.length, context.level + 1, 6);
  return [make(`h${context.level}`, {}, ...inline(unclosed(words), context)), at + 1];
}

/** A heading without the signs that may close it. */
function unclosed(words) {
  let end = words.trimEnd().length;
  const whole = end;
  while (words[end - 1] === "#") end -= 1;
  return end > 0 && end < whole && /\s/.test(words[end - 1]) ? words.slice(0, end).trimEnd() : words.trimEnd();
}

const rule = (lines, at) => [make("hr", {}), at + 1];

function fence(lines, at, context) {
  const [, ticks, info] = FENCE.exec(lines[at]);
  const indent = lines[at].search(/\S/);
  const closes = (line) => {
    const bare = line.trim();
    return bare.length >= ticks.length && [...bare].every((letter) => letter === ticks[0]);
  };
  let end = at + 1;
  while (end < lines.length && !closes(lines[end])) end += 1;
  const text = lines.slice(at + 1, end).map((line) => without(line, indent)).join("\n");
  return [codeBlock(text, info.trim().split(/\s/, 1)[0], context), end + 1];
}

/** A block of code with a button that copies it. */
function codeBlock(text, language, context) {
  context.room.left -= 6;
  const code = make("code", { dir: "ltr" }, ...nodes(text, context));
  const copy = make("button", { type: "button", className: "small bare" }, "Copy");
  const head = make("div", { className: "code-head" }, make("span", {}, plain(language).slice(0, 24)), copy);
  onCopy(copy, code);
  return make("div", { className: "code" }, head, make("pre", { tabIndex: 0 }, code));
}

function quote(lines, at, context, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inside = lines.slice(at, end).map((line) => line.replace(/^ {0,3}> ?/, ""));
  return [make("blockquote", {}, ...blocks(inside, context, depth + 1)), end];
}

/** A line without at most so many spaces at its beginning. */
function without(line, indent) {
  let at = 0;
  while (at < indent && line[at] === " ") at += 1;
  return line.slice(at);
}

function list(lines, at, context, depth) {
  const [, indent, marker] = ITEM.exec(lines[at]);
  const kind = marker.at(-1);
  const isOrdered = kind === "." || kind === ")";
  const made = make(isOrdered ? "ol" : "ul", {});
  if (isOrdered && marker !== `1${kind}`) made.start = Number.parseInt(marker, 10);
  const isNext = (line) => {
    const item = ITEM.exec(line);
    return item && item[2].at(-1) === kind && item[1].length < indent.length + 2 && !RULE.test(line);
  };
  let next = at;
  while (next < lines.length && isNext(lines[next]) && context.room.left > 0) {
    const end = endOfItem(lines, next, indent.length);
    const first = lines[next].slice(ITEM.exec(lines[next])[0].length);
    const width = ITEM.exec(lines[next])[0].length;
    const inside = [first, ...lines.slice(next + 1, end).map((line) => without(line, width))];
    made.append(item(inside, context, depth));
    next = end;
    const following = skipBlank(lines, next);
    if (following < lines.length && isNext(lines[following])) next = following;
  }
  return [made, Math.max(next, at + 1)];
}

/** Where an item of a list ends: what is indented belongs to it, and so do lines that go on with its text. */
function endOfItem(lines, at, indent) {
  let end = at + 1;
  while (end < lines.length) {
    if (!lines[end].trim()) {
      const following = skipBlank(lines, end);
      if (following >= lines.length || lines[following].search(/\S/) < indent + 2) return end;
      end = following;
    } else if (lines[end].search(/\S/) < indent + 2 && kindOf(lines, end, 0)) return end;
    end += 1;
  }
  return end;
}

function skipBlank(lines, at) {
  let next = at;
  while (next < lines.length && !lines[next].trim()) next += 1;
  return next;
}

function item(lines, context, depth) {
  context.room.left -= 1;
  const task = TASK.exec(lines[0]);
  if (!task) return make("li", {}, ...blocks(lines, context, depth + 1));
  const isDone = task[1] !== " ";
  const tick = make("span", { className: isDone ? "tick done" : "tick" });
  tick.setAttribute("role", "img");
  tick.setAttribute("aria-label", isDone ? "Done:" : "To do:");
  const rest = [lines[0].slice(task[0].length), ...lines.slice(1)];
  return make("li", { className: "task-item" }, tick, make("div", {}, ...blocks(rest, context, depth + 1)));
}

function table(lines, at, context) {
  const sides = cells(lines[at + 1]).map((cell) => (cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "right") : ""));
  const row = (line, tag) => {
    const made = cells(line).slice(0, sides.length);
    while (made.length < sides.length) made.push("");
    context.room.left -= made.length;
    return make("tr", {}, ...made.map((text, column) => make(tag, { className: sides[column] }, ...inline(text, context))));
  };
  const head = make("thead", {}, row(lines[at], "th"));
  const body = make("tbody", {});
  let end = at + 2;
  for (; end < lines.length && lines[end].includes("|") && context.room.left > 0; end += 1) body.append(row(lines[end], "td"));
  const wide = make("div", { className: "wide", tabIndex: 0 }, make("table", {}, head, body));
  wide.setAttribute("role", "group");
  wide.setAttribute("aria-label", "Table");
  return [wide, end];
}

/** The cells of a row. A bar after a backslash belongs to its cell. */
function cells(line) {
  const bare = line.trim().replace(/^\|/, "");
  const found = [""];
  for (let at = 0; at < bare.length; at += 1) {
    if (bare[at] === "\\" && bare[at + 1] === "|") {
      found[found.length - 1] += "|";
      at += 1;
    } else if (bare[at] === "|" && found.length < COLUMNS) found.push("");
    else found[found.length - 1] += bare[at];
  }
  if (found.length > 1 && !found.at(-1).trim()) found.pop();
  return found.map((cell) => cell.trim());
}
