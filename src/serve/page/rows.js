// The rows of the list: what an event or a gap looks like. What comes from the feed becomes text (textContent), never markup.

const REMEMBERED = 2000; // rows whose last values are known, to tell what an update has changed
const LONGEST = 400; // characters of a value in the list; all of it is in the details
const DEEPEST = 20; // levels of a nested value in the list

class Digits {
  // A number as it was sent: JavaScript's own would lose digits.
  constructor(text) {
    this.text = text;
  }
}

export function parse(text) {
  return JSON.parse(text, (_, value, context) =>
    typeof value === "number" && context?.source ? new Digits(context.source) : value);
}

const KINDS = new Map([
  ["INSERT", "insert"], ["SNAPSHOT", "insert"], ["UPDATE", "update"], ["DELETE", "delete"], ["TRUNCATE", "delete"],
]);

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export function gapRow(text) {
  forget();
  return element("li", "gap", text);
}

export function eventRow({ text: json, event }) {
  const change = isChange(event.payload) ? event.payload : null;
  const op = change ? change.op : event.type === "event" ? "EVENT" : "NOTIFY";
  const time = element("time", "", clock(change?.at ?? event.at));
  time.dateTime = change?.at ?? event.at;
  // With spaces, for who copies it or has it read out.
  const parts = (change ? changeParts(change) : messageParts(event)).flatMap((part) => [part, " "]);
  const what = element("span", "what", ...parts);
  const summary = element("summary", "", time, element("span", "op", visible(op)), what);
  const details = element("details", "", summary);
  details.addEventListener("toggle", () => {
    if (details.childElementCount === 1) details.append(element("pre", "", visible(indent(json), true)));
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

// After changes that were not seen, what was known is old.
export function forget() {
  known.clear();
}

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

export function visible(text, keepLines = false) {
  return String(text).replace(DANGEROUS, (c) =>
    keepLines && c === "\n" ? c : `\\u{${c.codePointAt(0).toString(16).padStart(4, "0")}}`);
}

function text(className, value, name = "bdi") {
  const whole = String(value);
  const shown = whole.length > LONGEST ? `${whole.slice(0, LONGEST)}…` : whole;
  return element(name, className, name === "bdi" ? visible(shown) : element("bdi", "", visible(shown)));
}

const isChange = (value) => isObject(value) && [value.op, value.schema, value.table].every((part) => typeof part === "string");

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
