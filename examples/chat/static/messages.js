// The messages on the page.

import { $, make } from "./page.js";

/**
 * Puts a message on the page. Those that are on their way (`state: "pending"`) stay the last.
 * `label` says of a private message whom it is for; `file` is a picture instead of a text.
 */
export function show({ id, name, text, file, mine = false, at = now(), label = "", state = "" }) {
  const item = make("li", { className: `message ${state}` }, avatar(name));
  Object.assign(item.dataset, { id, name, label });
  item.classList.toggle("mine", mine);
  item.classList.toggle("whisper", Boolean(label));

  const author = make("span", { className: "author" }, mine ? "You" : name);
  if (label) author.append(make("span", { className: "label" }, ` ${label}`));
  const time = make("time", { dateTime: new Date(at * 1000).toISOString() }, clock(at));
  const meta = make("span", { className: "meta" }, time);
  if (mine) meta.append(tick(state ? "" : "Received"));
  const content = file ? picture(file, name) : make("p", { className: "text" }, text);
  item.append(make("div", { className: "bubble" }, author, content, meta));

  $("messages").insertBefore(item, state ? null : $("messages").querySelector(".pending"));
  group(item);
  group(item.nextElementSibling);
  $("empty").hidden = true;
  if (mine) toEnd();
}

export function isShown(id) {
  return Boolean(find(id));
}

/** A message of ours is where it was to go: `how` it is, "Received" or "Delivered". */
export function settle(id, how, at) {
  const item = find(id);
  if (!item) return; // the room was left meanwhile
  item.classList.remove("pending");
  item.querySelector("time").textContent = clock(at);
  item.querySelector(".tick").replaceWith(tick(how));
  if (item.dataset.label) item.querySelector(".meta").append(` ${how.toLowerCase()}`);
}

/** A message of ours did not get there; with `again`, a button sends it once more. */
export function fail(id, reason, again) {
  const item = find(id);
  if (!item) return;
  item.classList.replace("pending", "failed");
  const why = make("span", { className: "why" }, reason);
  item.querySelector(".tick").replaceWith(why);
  if (!again) return;
  const button = make("button", { type: "button", className: "again" }, "Send again");
  button.addEventListener("click", () => {
    item.classList.replace("failed", "pending");
    why.replaceWith(tick(""));
    again();
  });
  why.append(" ", button);
}

export function clear() {
  for (const image of document.querySelectorAll(".picture img")) URL.revokeObjectURL(image.src);
  $("messages").replaceChildren();
  $("empty").hidden = false;
}

/** Somebody's initials in a circle, in a colour that is always the same for the same name. */
export function avatar(name) {
  const letters = name.split(" ").map((word) => [...word][0]).slice(0, 2).join("");
  const circle = make("span", { className: "avatar" }, letters.toUpperCase());
  const hue = [...name].reduce((sum, character) => (sum * 31 + character.codePointAt(0)) % 360, 7);
  circle.style.setProperty("--hue", hue);
  circle.setAttribute("aria-hidden", "true");
  return circle;
}

function find(id) {
  return document.querySelector(`.message[data-id="${CSS.escape(id)}"]`);
}

/** Several messages of one person stand together: the name is shown on the first. */
function group(item) {
  const before = item?.previousElementSibling?.dataset;
  const same = before?.name === item?.dataset.name && before?.label === item?.dataset.label;
  item?.classList.toggle("follows", Boolean(before) && same);
}

function tick(how) {
  const mark = make("span", { className: "tick", title: how || "On its way" });
  mark.textContent = how ? "\u2713" : "\u2026";
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", mark.title);
  return mark;
}

function picture(file, name) {
  const url = URL.createObjectURL(file);
  const image = make("img", { src: url, alt: `Picture from ${name}` });
  return make("a", { className: "picture", href: url, target: "_blank" }, image);
}

const now = () => Date.now() / 1000;

const clock = (at) =>
  new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

// Who reads the newest message stays with the newest, whatever grows: the list, a picture that
// loads, the banner, a phone's keyboard. Who has scrolled up to read older ones is left there.
let atEnd = true;

$("scroller").addEventListener("scroll", () => {
  const { scrollHeight, scrollTop, clientHeight } = $("scroller");
  atEnd = scrollHeight - scrollTop - clientHeight < 60;
});

const resized = new ResizeObserver(() => atEnd && toEnd());
resized.observe($("scroller"));
resized.observe($("messages"));

export function toEnd() {
  atEnd = true;
  $("scroller").scrollTop = $("scroller").scrollHeight;
}
