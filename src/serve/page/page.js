// The page of `pgfeed serve`: a live list of events.

import { eventRow, forget, gapRow, parse, visible } from "./rows.js";

const SHOWN = 500; // events in the list; older ones leave it
const RECENT = 100; // events of the past to begin with
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
  // Only now it is known to be right.
  if (token) sessionStorage.setItem("pgfeed-token", token);
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

const WRONG = "That was not it.";
// What a token may hold; with other characters neither fetch() nor a WebSocket would even ask.
const POSSIBLE = /^[\w!#$%&'*+.^`|~-]+$/;

function askForToken() {
  sessionStorage.removeItem("pgfeed-token");
  state("away", "Token needed");
  $("wrong").textContent = token ? WRONG : "";
  $("door").showModal();
}

$("knock").addEventListener("submit", (event) => {
  const entered = $("token").value.trim();
  $("token").value = "";
  if (!POSSIBLE.test(entered)) {
    event.preventDefault();
    $("wrong").textContent = WRONG;
    return;
  }
  token = entered;
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
  if (waiting.length > SHOWN) {
    waiting.shift();
    forget();
  }
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
