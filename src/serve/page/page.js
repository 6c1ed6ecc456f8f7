// The page of `pgfeed serve`: a live list of events. What comes from the feed becomes text (textContent), never markup.
"use strict";

const SHOWN = 500; // events in the list; older ones leave it
const RECENT = 100; // events of the past to begin with
const REMEMBERED = 2000; // rows whose last values are known, to tell what an update has changed
const LONGEST = 400; // characters of a value in the list; all of it is in the details
const DEEPEST = 20; // levels of a nested value in the list
const FIRST_WAIT = 500, LONGEST_WAIT = 15000; // between two tries to connect, in ms

const $ = (id) => document.getElementById(id);
const list = $("events");

/* Connection */

let token = sessionStorage.getItem("pgfeed-token") ?? "";
let last = null; // the event_id to go on behind
let wait = FIRST_WAIT;

const headers = () => (token ? { authorization: `Bearer ${token}` } : {});

function state(name, text) {
  $("state").dataset.state = name;
  $("state").textContent = text;
}

async function start() {
  let answer;
  try {
    answer = await fetch("feed.json", { headers: headers(), cache: "no-store" });
  } catch {
    return later();
  }
  if (answer.status === 401) return askForToken();
  if (!answer.ok) return later();
  introduce(await answer.json());
  connect();
}

function connect() {
  const url = new URL("ws", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = last === null ? `recent=${RECENT}` : `last_event_id=${encodeURIComponent(last)}`;
  const socket = new WebSocket(url, token ? ["pgfeed", token] : ["pgfeed"]);
  socket.onmessage = (message) => {
    wait = FIRST_WAIT;
    receive(message.data);
  };
  socket.onclose = later;
}

function later() {
  const pause = wait * (0.5 + Math.random() / 2);
  wait = Math.min(wait * 2, LONGEST_WAIT);
  state("away", "Disconnected, trying again");
  setTimeout(start, pause);
}

function askForToken() {
  state("away", "Token needed");
  $("wrong").textContent = token ? "That was not it." : "";
  $("door").showModal();
}

$("knock").addEventListener("submit", () => {
  token = $("token").value.trim();
  $("token").value = "";
  sessionStorage.setItem("pgfeed-token", token);
  start();
});
// Escape would close it, and leave a page that does nothing.
$("door").addEventListener("cancel", (event) => event.preventDefault());

function introduce(about) {
  const channels = about.channels ?? [];
  const served = about.queue ?? channels.join(", ");
  $("served").textContent = visible(served);
  document.title = `${visible(served)} · pgfeed`;
  $("send").hidden = !about.publish;
  if (!about.publish) return;
  const choice = about.publish.as === "notification" && channels.length > 1;
  $("channel").hidden = !choice;
  const options = channels.map((channel) => new Option(visible(channel), channel));
  if (choice && $("channel").length !== options.length) $("channel").replaceChildren(...options);
  if (about.publish.as === "row") $("message").placeholder = `A new row of ${visible(about.publish.table)}`;
}

/* Events: parsed at once, shown with the next frame */

class Digits {
  // A number as it was sent: JavaScript's own would lose digits.
  constructor(text) {
    this.text = text;
  }
}

function parse(text) {
  return JSON.parse(text, (_, value, context) =>
    typeof value === "number" && context?.source ? new Digits(context.source) : value);
}

let waiting = [];
let paused = false;
let asked = false;

function receive(text) {
  let event;
  try {
    event = parse(text);
  } catch {
    event = { payload: text }; // nested too deeply for the browser
  }
  if (event.event_id) last = event.event_id;
  if (event.type === "control") return control(event);
  hold({ text, event });
}

function control(record) {
  switch (record.event) {
    case "ready":
      return state("live", "Live");
    case "lost":
      return state("away", "The database is away");
    case "gap":
      state("live", "Live");
      return hold({ gap: "A gap: what was sent in between is not known" });
    case "overflow":
      return hold({ gap: record.detail ?? "A gap: events were dropped" });
    case "refused":
      $("sent").textContent = visible(record.detail ?? "");
  }
}

function hold(item) {
  waiting.push(item);
  if (waiting.length > SHOWN) waiting.shift();
  if (paused) return tellPaused();
  if (asked) return;
  asked = true;
  // A hidden page gets no frames; what it holds is bounded all the same.
  requestAnimationFrame(() => {
    asked = false;
    if (!paused) show();
  });
}

function show() {
  const rows = waiting.map((item) => (item.gap ? gapRow(item.gap) : eventRow(item)));
  waiting = [];
  rows.forEach(sift);
  list.prepend(...rows.reverse());
  while (list.childElementCount > SHOWN) list.lastElementChild.remove();
  $("empty").hidden = list.childElementCount > 0;
}

/* Rows */

const KINDS = new Map([
  ["INSERT", "insert"], ["SNAPSHOT", "insert"], ["UPDATE", "update"], ["DELETE", "delete"], ["TRUNCATE", "delete"],
]);

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function gapRow(text) {
  return element("li", "gap", text);
}

function eventRow({ text, event }) {
  const change = isObject(event.payload) && typeof event.payload.op === "string" ? event.payload : null;
  const op = change ? change.op : event.type === "event" ? "EVENT" : "NOTIFY";
  const time = element("time", "", clock(change?.at ?? event.at));
  time.dateTime = change?.at ?? event.at;
  // With spaces, for who copies it or has it read out.
  const parts = (change ? changeParts(change) : messageParts(event)).flatMap((part) => [part, " "]);
  const what = element("span", "what", ...parts);
  const summary = element("summary", "", time, element("span", "op", visible(op)), what);
  const details = element("details", "", summary);
  details.addEventListener("toggle", () => {
    if (details.childElementCount === 1) details.append(element("pre", "", visible(indent(text), true)));
  }, { once: true });
  const row = element("li", "event", details);
  row.dataset.op = KINDS.get(op) ?? "other";
  return row;
}

function messageParts(event) {
  const from = event.channel ?? event.queue;
  return [label(from), text("value", compact(event.payload))];
}

function label(name, key) {
  const row = element("span", "row", element("bdi", "", visible(name)));
  if (key) row.append(" ", text("key", key));
  return row;
}

function changeParts(change) {
  const table = change.schema === "public" ? change.table : `${change.schema}.${change.table}`;
  const parts = [label(table, change.key && Object.values(change.key).map((part) => compact(part)).join(", "))];
  const now = change.new ?? {};
  const was = previous(change);
  const keys = new Set(Object.keys(change.key ?? {}));
  const changed = [], same = [];
  for (const [name, value] of Object.entries(change.op === "DELETE" ? change.old ?? {} : now)) {
    const before = Object.hasOwn(was, name) ? compact(was[name]) : null;
    const after = compact(value);
    if (keys.has(name) && (before ?? after) === after) continue;
    if (before !== null && before !== after) {
      changed.push(field("", name, text("", before, "del"), " → ", text("", after, "ins")));
    } else {
      same.push(field(change.op === "UPDATE" ? "same" : "", name, text("value", after)));
    }
  }
  parts.push(...changed, ...same);
  if (change.moved_to) parts.push(text("key", `moved to ${compact(change.moved_to)}`));
  if (change.truncated) parts.push(text("key", "the values are too long to be sent"));
  return parts;
}

function field(className, name, ...value) {
  return element("span", `field ${className}`.trim(), text("name", name), " ", ...value);
}

/* What an update has changed: as the feed tells, or since the row was last seen here */

const known = new Map();

function previous(change) {
  const place = change.key && `${change.schema}.${change.table} ${JSON.stringify(change.key)}`;
  const before = place && known.get(place);
  if (place) {
    known.delete(place);
    if (change.op !== "DELETE" && change.new) known.set(place, change.new);
    if (known.size > REMEMBERED) known.delete(known.keys().next().value);
  }
  if (change.op !== "UPDATE") return {};
  return change.changed ?? change.old ?? before ?? {};
}

/* Text */

// Control characters, and those that change the direction of text, are shown for what they are.
const DANGEROUS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

function visible(text, keepLines = false) {
  return String(text).replace(DANGEROUS, (c) =>
    keepLines && c === "\n" ? c : `\\u{${c.codePointAt(0).toString(16).padStart(4, "0")}}`);
}

function text(className, value, name = "bdi") {
  const whole = String(value);
  const shown = whole.length > LONGEST ? `${whole.slice(0, LONGEST)}…` : whole;
  return element(name, className, name === "bdi" ? visible(shown) : element("bdi", "", visible(shown)));
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

function compact(value, depth = 0) {
  const inner = (value) => (typeof value === "string" ? JSON.stringify(value) : compact(value, depth + 1));
  if (typeof value === "string") return value;
  if (value instanceof Digits) return value.text;
  if (depth > DEEPEST) return "…";
  if (Array.isArray(value)) return `[${value.map(inner).join(", ")}]`;
  if (isObject(value)) return `{${Object.entries(value).map(([name, value]) => `${name}: ${inner(value)}`).join(", ")}}`;
  return String(value);
}

// Line breaks into JSON, whose every other character stays as it was sent.
function indent(json) {
  let depth = 0, inString = false, out = "";
  const line = () => `\n${"  ".repeat(depth)}`;
  for (let at = 0; at < json.length; at++) {
    const c = json[at];
    if (inString) {
      out += c;
      if (c === "\\") out += json[++at] ?? "";
      else if (c === '"') inString = false;
    } else if (c === '"') {
      inString = true;
      out += c;
    } else if (c === "{" || c === "[") {
      depth++;
      out += c + line();
    } else if (c === "}" || c === "]") {
      depth--;
      out += line() + c;
    } else if (c === ",") out += c + line();
    else if (c === ":") out += ": ";
    else out += c;
  }
  return out;
}

function clock(at) {
  const time = new Date(at);
  if (isNaN(time)) return "";
  const digits = (number, width) => String(number).padStart(width, "0");
  return `${digits(time.getHours(), 2)}:${digits(time.getMinutes(), 2)}:${digits(time.getSeconds(), 2)}.${digits(time.getMilliseconds(), 3)}`;
}

/* Tools */

function sift(row) {
  if (!row.classList.contains("event")) return;
  const wanted = $("filter").value.trim().toLowerCase();
  const ops = [...$("ops").querySelectorAll(":checked")].map((box) => box.value);
  row.hidden = !ops.includes(row.dataset.op) || !row.textContent.toLowerCase().includes(wanted);
}

function siftAll() {
  for (const row of list.children) sift(row);
}

$("filter").addEventListener("input", siftAll);
$("ops").addEventListener("change", siftAll);
$("tools").addEventListener("submit", (event) => event.preventDefault());

function tellPaused() {
  $("pause").textContent = paused ? `Resume${waiting.length ? ` (${waiting.length}${waiting.length === SHOWN ? "+" : ""} new)` : ""}` : "Pause";
}

$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", paused);
  tellPaused();
  if (!paused) show();
});

$("clear").addEventListener("click", () => {
  list.replaceChildren();
  $("empty").hidden = false;
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|SELECT/.test(event.target.tagName) || $("door").open) return;
  if (event.key === "/") {
    event.preventDefault();
    $("filter").focus();
  } else if (event.key === "p") $("pause").click();
});

/* Sending */

$("send").addEventListener("submit", async (event) => {
  event.preventDefault();
  const message = $("message").value;
  const query = $("channel").hidden ? "" : `?channel=${encodeURIComponent($("channel").value)}`;
  try {
    const answer = await fetch(`publish${query}`, { method: "POST", body: message, headers: headers() });
    $("sent").textContent = answer.ok ? "" : visible((await answer.text()).trim());
    if (answer.ok && $("message").value === message) $("message").value = "";
  } catch {
    $("sent").textContent = "The server cannot be reached: the message may not have been sent.";
  }
});

start();
