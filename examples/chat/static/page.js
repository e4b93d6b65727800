// What both pages need: elements made without HTML text, and a connection that is kept.

/** The element with an id. */
export const $ = (id) => document.getElementById(id);

/**
 * A new element. Text goes in as text, never as HTML, so nobody can smuggle markup into the page.
 * `properties` are set on it; the children are elements or texts.
 */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Fills a list anew, if it is to show something else; who was in it with the keyboard stays there. */
export function renew(list, items) {
  const text = (item) => item.outerHTML;
  if (items.map(text).join() === [...list.children].map(text).join()) return;
  const focused = list.contains(document.activeElement) && document.activeElement.dataset.name;
  list.replaceChildren(...items);
  if (focused) list.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
}

/**
 * Sends an event; the promise is the server's answer, or fails with what it refused. The error's
 * `again` says whether the same may well be taken later.
 */
export async function ask(socket, event, ...args) {
  const answer = await socket.emitWithAck(event, ...args).catch(() => ({ error: NO_ANSWER }));
  const { error } = answer ?? {};
  if (!error) return answer;
  const again = error === NO_ANSWER || Boolean(error.data?.retry_after);
  throw Object.assign(new Error(reason(error)), { again });
}

const NO_ANSWER = { message: "The server did not answer." };

/** Why the server refused something, in words for people. */
export function reason({ message, data }) {
  if (data?.retry_after) return `You are too fast. Try again in ${Math.ceil(data.retry_after)} s.`;
  return Array.isArray(data) ? `${data[0].reason}.` : message; // what did not fit, and where
}

const DELAYS = [1, 2, 3, 5]; // seconds before each new attempt; the last one stays

/**
 * Keeps a socket connected once it has been, and says on the banner how that goes.
 *
 * The client could reconnect by itself, but does not tell when it will; so the socket is to be
 * made with `reconnection: false`. What the server refuses is not tried again: `refused(error)`.
 */
export function keepConnected(socket, refused) {
  const banner = $("banner");
  const button = banner.querySelector("button");
  let attempts = 0;
  let lost = false;
  let timer;

  function say(what, when = "", kind = "bad") {
    banner.hidden = !what;
    banner.className = `banner ${kind}`;
    // Only what changes is set: a screen reader reads the words, but not the countdown.
    const words = banner.querySelector("[data-what]");
    if (words.textContent !== what) words.textContent = what;
    banner.querySelector("[data-when]").textContent = when;
    button.hidden = !when.includes("in ");
  }

  function problem() {
    return lost ? "Connection lost" : "The server does not answer";
  }

  function tryNow() {
    clearInterval(timer);
    say(problem(), "\u2013 trying now ...");
    socket.connect();
  }

  function tryLater() {
    clearInterval(timer);
    let seconds = DELAYS[Math.min(attempts++, DELAYS.length - 1)];
    const show = () => say(problem(), `\u2013 trying again in ${seconds} s`);
    show();
    timer = setInterval(() => (--seconds > 0 ? show() : tryNow()), 1000);
  }

  socket.on("connect", () => {
    clearInterval(timer);
    attempts = 0;
    if (banner.hidden) return;
    say(lost ? "You are back" : "Connected", "", "good");
    lost = false;
    timer = setTimeout(() => say(""), 4000);
  });
  socket.on("disconnect", () => {
    lost = true;
    tryLater();
  });
  socket.on("connect_error", (error) => {
    if (socket.active) return tryLater(); // nobody answered; nothing was refused
    clearInterval(timer);
    say("");
    refused(error);
  });
  button.addEventListener("click", tryNow);
  window.addEventListener("online", () => lost && !socket.connected && tryNow());
}
