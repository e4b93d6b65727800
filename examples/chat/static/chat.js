import { avatar, clear, fail, isShown, settle, show, toEnd } from "./messages.js";
import { $, ask, keepConnected, make, reason, renew } from "./page.js";
import { shrink } from "./pictures.js";
import { askPerson, forgetQuestions } from "./questions.js";

const TYPING_SHOWN = 3000; // ms that somebody is shown as typing after the last sign of it
const TYPING_SENT = 1200; // ms between two signs

// The key proves, after a lost connection, that the one who asks for the name had it before.
const me = { name: "", room: "", key: newId() };
const people = new Map(); // everybody who is here: name -> room
const pending = new Map(); // messages that the server has not answered: id -> function to send it
const typing = new Map(); // who is typing: name -> timer
let shownRoom = ""; // whose messages are on the page
let whisperTo = null; // who alone gets what is written next
let typed = 0; // when the last sign of typing was sent

const socket = io("/chat", {
  autoConnect: false,
  reconnection: false,
  auth: (send) => send(me),
});
keepConnected(socket, (error) => showEntrance(reason(error), error.data ?? {}));

// What the server says.

socket.on("welcome", (name) => {
  me.name = name;
});

// What is said in the room: as it is said, and as the room remembers it.
const said = {
  message: (message) => showSaid(message),
  picture: ({ type, data, ...picture }) => showSaid({ ...picture, file: new Blob([data], { type }) }),
};

socket.on("history", (room, events) => {
  const moved = shownRoom !== room || $("chat").hidden;
  if (shownRoom !== room) {
    clear();
    pending.clear();
  }
  shownRoom = me.room = room;
  showRoom(moved);
  showPeople({});
  // After a lost connection some of it is on the page already.
  $("scroller").setAttribute("aria-busy", "true");
  for (const [event, ...args] of events) said[event](...args);
  $("scroller").setAttribute("aria-busy", "false");
  toEnd();
  pending.forEach((send) => send());
});

for (const [event, show] of Object.entries(said)) {
  socket.on(event, (message) => {
    stopTyping(message.name);
    show(message);
  });
}

socket.on("whisper", (name, at, text, received) => {
  show({ name, at, text, id: newId(), label: "only to you" });
  received();
});

socket.on("typing", (name) => {
  clearTimeout(typing.get(name));
  typing.set(name, setTimeout(stopTyping, TYPING_SHOWN, name));
  showTyping();
});

socket.on("presence", (_, everybody) => {
  people.clear();
  showPeople({ joins: everybody });
});

socket.on("presence_diff", (_, diff) => showPeople(diff));

socket.on("confirm", askPerson);

socket.on("disconnect", () => {
  forgetQuestions(); // nobody waits for the answers any longer
  [...typing.keys()].forEach(stopTyping);
});

/** Shows what was said in the room, unless it is on the page already. */
function showSaid(message) {
  // If it is ours, only the ack was lost.
  if (isShown(message.id)) received(message.id, message.at);
  else show({ ...message, mine: message.name === me.name });
}

// The entrance.

$("entrance").addEventListener("submit", (event) => {
  event.preventDefault();
  enter();
});

$("suggestion").addEventListener("click", () => {
  $("name").value = $("suggestion").dataset.name;
  enter();
});

function enter() {
  $("name-error").textContent = $("room-error").textContent = "";
  $("suggestion").hidden = true;
  setInvalid(null);
  Object.assign(me, { name: $("name").value, room: $("room").value });
  socket.connect();
}

/** Shows the form, and why the server did not let us in. */
function showEntrance(error, { field = "name", suggestion }) {
  $("chat").hidden = true;
  $("entrance").hidden = false;
  $("room").value = me.room.replace(/^#/, "");
  $(`${field}-error`).textContent = error;
  $("suggestion").hidden = !suggestion;
  $("suggestion").textContent = `Be ${suggestion}`;
  $("suggestion").dataset.name = suggestion;
  setInvalid($(field));
  $(field).focus();
}

function setInvalid(input) {
  for (const each of [$("name"), $("room")]) each.setAttribute("aria-invalid", each === input);
}

// The room.

function showRoom(moved) {
  localStorage.setItem("name", me.name);
  history.replaceState(null, "", me.room);
  document.title = `${me.room} - Chat`;
  $("entrance").hidden = true;
  $("chat").hidden = false;
  $("here").textContent = me.room;
  $("leave").hidden = me.room === "#lobby";
  if (moved) {
    if ($("side").matches(":popover-open")) $("side").hidePopover();
    writeTo(null);
  }
}

async function join(room) {
  $("join-error").textContent = "";
  try {
    await ask(socket, "join", room);
    $("other-room").value = "";
  } catch (error) {
    $("join-error").textContent = error.message;
  }
}

$("join").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.connected) join($("other-room").value);
});
$("leave").addEventListener("click", () => socket.connected && socket.emit("leave"));
window.addEventListener("hashchange", () => {
  const room = decodeURIComponent(location.hash);
  if (socket.connected && room && room !== me.room) join(room);
});

/** Shows who is here and which rooms there are, as people come and go. */
function showPeople({ joins = {}, leaves = {} }) {
  for (const name of Object.keys(leaves)) people.delete(name);
  for (const [name, room] of Object.entries(joins)) people.set(name, room);
  const rooms = new Map([["#lobby", 0]]);
  for (const room of [...people.values()].sort()) rooms.set(room, (rooms.get(room) ?? 0) + 1);
  const here = [...people].filter(([, room]) => room === me.room).map(([name]) => name);
  here.sort((a, b) => a.localeCompare(b));
  $("count").textContent = here.length > 1 ? `${here.length} people here` : "You are alone here";
  renew($("people"), here.map(personItem));
  renew($("rooms"), [...rooms].map(roomItem));
}

function roomItem([room, count]) {
  const button = make("button", { type: "button" }, make("span", { className: "name" }, room));
  button.dataset.name = room;
  button.append(make("span", { className: "count", title: "people in it" }, String(count)));
  if (room === me.room) button.setAttribute("aria-current", "true");
  button.addEventListener("click", () => socket.connected && room !== me.room && join(room));
  return make("li", {}, button);
}

function personItem(name) {
  const label = make("span", { className: "name" }, name);
  if (name === me.name) {
    const row = make("span", { className: "self" }, avatar(name), label);
    row.append(make("span", { className: "quiet" }, "you"));
    return make("li", {}, row);
  }
  const button = make("button", { type: "button", title: `Write to ${name} alone` });
  button.dataset.name = name;
  button.append(avatar(name), label);
  button.addEventListener("click", () => writeTo(name));
  return make("li", {}, button);
}

// Sending.

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  $("send-error").textContent = "";
  if (whisperTo) whisper(whisperTo, text);
  else say("message", { text }, text);
  $("text").value = "";
  typed = 0;
  fitText();
});

$("text").addEventListener("keydown", (event) => {
  const touch = matchMedia("(pointer: coarse)").matches; // where Enter is the way to a new line
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || touch) return;
  event.preventDefault();
  $("composer").requestSubmit();
});

$("text").addEventListener("input", () => {
  fitText();
  $("send-error").textContent = "";
  if (whisperTo || !$("text").value || Date.now() - typed < TYPING_SENT) return;
  typed = Date.now();
  socket.volatile.emit("typing");
});

$("text").addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find(({ type }) => type.startsWith("image/"));
  if (!file) return;
  event.preventDefault();
  sendPicture(file);
});

$("picture").addEventListener("change", () => {
  const [file] = $("picture").files;
  $("picture").value = "";
  if (file) sendPicture(file);
});

async function sendPicture(original) {
  $("send-error").textContent = "";
  try {
    const file = await shrink(original);
    say("picture", { file }, await file.arrayBuffer());
  } catch (error) {
    $("send-error").textContent = error.message;
  }
}

/** Shows what we say at once, and ticks it when the server has it. */
function say(event, content, payload) {
  const id = newId();
  show({ ...content, id, name: me.name, mine: true, state: "pending" });
  const send = async () => {
    try {
      const { at } = await ask(socket.timeout(20000), event, id, payload);
      received(id, at);
    } catch ({ message, again }) {
      // Without a connection it waits; "history" sends it again, and the server knows it by its id.
      if (socket.connected && pending.delete(id)) fail(id, `Not sent: ${message}`, again && begin);
    }
  };
  const begin = () => {
    pending.set(id, send);
    if (socket.connected) send();
  };
  begin();
}

function received(id, at) {
  if (pending.delete(id)) settle(id, "Received", at);
}

function whisper(name, text) {
  const id = newId();
  show({ text, id, name: me.name, mine: true, label: `only to ${name}`, state: "pending" });
  const send = async () => {
    if (!socket.connected) return fail(id, "Not delivered: you are not connected.", send);
    try {
      const { at } = await ask(socket.timeout(20000), "whisper", name, text);
      settle(id, "Delivered", at);
    } catch ({ message, again }) {
      fail(id, `Not delivered: ${message}`, again && send);
    }
  };
  send();
}

function writeTo(name) {
  whisperTo = name;
  $("private").hidden = !name;
  $("private").querySelector("strong").textContent = name ?? "";
  $("composer").classList.toggle("whispering", Boolean(name));
  $("text").placeholder = name ? `Write to ${name} alone` : `Write to ${me.room}`;
  if ($("side").matches(":popover-open")) $("side").hidePopover();
  $("text").focus();
}

$("private").querySelector("button").addEventListener("click", () => writeTo(null));

function fitText() {
  $("text").style.height = "auto";
  $("text").style.height = `${$("text").scrollHeight}px`;
}

// Who is typing.

function stopTyping(name) {
  clearTimeout(typing.get(name));
  typing.delete(name);
  showTyping();
}

function showTyping() {
  const names = [...typing.keys()];
  const who = names.length > 2 ? `${names.length} people are` : `${names.join(" and ")} ${
    names.length > 1 ? "are" : "is"}`;
  $("typing").textContent = names.length ? `${who} typing ...` : "";
}

/** A name that nobody else will think of. (crypto.randomUUID is for https only.) */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

$("name").value = localStorage.getItem("name") ?? "";
$("room").value = decodeURIComponent(location.hash.slice(1));
