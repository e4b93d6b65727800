// What the scenarios share. It uses only what every client from 1.x to 4.x has.
"use strict";

const assert = require("node:assert");
const { address, load, report, start } = require("./host.js");

const PATIENCE = 30_000; // for one step; the machine may be slow, and nothing here waits in vain

const TRANSPORTS = {
  polling: { transports: ["polling"] },
  websocket: { transports: ["websocket"] },
  upgrade: { transports: ["polling", "websocket"] },
  jsonp: { transports: ["polling"], forceJSONP: true },
};

/** A promise that fails with `what` when it takes too long. */
function within(promise, what, milliseconds = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`not within ${milliseconds / 1000} s: ${what}`)),
      milliseconds,
    );
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Clients of one kind: a client package (`+msgpack` for that parser), and a way of transport. */
class Bench {
  constructor(url, client, transport) {
    this.url = url;
    this.transport = transport;
    this.polls = transport === "polling" || transport === "jsonp";
    Object.assign(this, load(client)); // `io` and `version`, and a `parser` of its own
    this.isMsgpack = client.endsWith("+msgpack");
    this.major = Number(this.version.split(".")[0]);
    this.isLegacy = this.major < 3;
    this.mostBinary = transport === "jsonp" ? 110_000 : Infinity; // as base64, which they write in one call
    this.sockets = [];
  }

  /** A socket that may still be connecting. */
  start(path, options = {}) {
    const socket = this.io(address(this.url, this.sockets.length) + path, {
      ...TRANSPORTS[this.transport],
      forceNew: true,
      reconnection: false,
      ...(this.parser && { parser: this.parser }),
      ...(this.isLegacy ? inQuery(options) : options),
    });
    this.sockets.push(socket);
    return this.adapt(socket, path);
  }

  /** A socket for another namespace on the connection of one, which may still be connecting. */
  startOn(socket, path, options = {}) {
    return this.adapt(socket.io.socket(path, this.isLegacy ? inQuery(options) : options), path);
  }

  /** A socket of an old client with what the scenarios expect of current ones. */
  adapt(socket, path) {
    if (!this.isLegacy || socket.adapted) return socket;
    socket.adapted = true;
    // Of a refusal they tell with an `error`, which has the message, or the data if there is any.
    socket.on("error", (said) => socket.emit("connect_error", typeof said === "string" ? { message: said } : { data: said }));
    if (this.major === 1) {
      // Their servers had one id for a client in all namespaces, Node's compatible one and ours do not.
      const get = () => socket.io.engine && (path === "/" ? "" : `${path}#`) + socket.io.engine.id;
      const kind = Object.create(Object.getPrototypeOf(socket), { id: { get, set() {} } });
      Object.setPrototypeOf(socket, kind); // not its own, which 1.7 deletes when it is disconnected
    }
    return socket;
  }

  /** A connected socket, which has upgraded if it can; `options.early` does not wait for that. */
  async open(path, { early = false, ...options } = {}) {
    const socket = this.start(path, options);
    await connected(socket);
    const { transports } = { ...TRANSPORTS[this.transport], ...options };
    if (!early && transports.length > 1) await upgraded(socket);
    return socket;
  }

  /** Another namespace on the connection of a socket. */
  async join(socket, path) {
    const other = this.startOn(socket, path); // it connects by itself
    if (!other.connected) await connected(other);
    return other;
  }

  closeAll() {
    for (const socket of this.sockets.splice(0)) {
      socket.disconnect();
      if (socket.io.engine) socket.io.engine.close();
    }
  }
}

/** Options with the auth in the query, where old clients have it. */
function inQuery({ auth, query, ...options }) {
  return auth || query ? { ...options, query: { ...query, ...auth } } : options;
}

function connected(socket) {
  return within(
    new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("connect_error", (error) => reject(new Error(`refused: ${error.message}`)));
    }),
    "the connection",
  );
}

function upgraded(socket) {
  const engine = socket.io.engine;
  if (engine.transport.name === "websocket") return Promise.resolve();
  return within(new Promise((resolve) => engine.once("upgrade", resolve)), "the upgrade");
}

/** The arguments of the next event of a name. */
function next(socket, event) {
  return within(
    new Promise((resolve) => socket.once(event, (...args) => resolve(args))),
    `the event ${JSON.stringify(event)}`,
  );
}

/**
 * The arguments of all events of a name from now on that are wanted; `await record.until(n)` waits
 * for n.
 */
function record(socket, event, isWanted = () => true) {
  const got = [];
  let wake = () => {};
  socket.on(event, (...args) => {
    if (isWanted(...args)) got.push(args);
    wake();
  });
  got.until = (count) =>
    within(
      new Promise((resolve) => {
        wake = () => got.length >= count && resolve(got);
        wake();
      }),
      `${count} events ${JSON.stringify(event)}`,
    ).catch((error) => {
      throw new Error(`${error.message}; there were ${got.length}: ${String(got).slice(0, 300)}`);
    });
  return got;
}

/** What the server answers an event with, as an array of arguments. */
function answers(socket, event, ...args) {
  return within(
    new Promise((resolve, reject) => {
      const gone = (reason) => reject(new Error(`disconnected (${reason}) before ${event} was answered`));
      socket.once("disconnect", gone);
      socket.emit(event, ...args, (...values) => {
        socket.off("disconnect", gone);
        resolve(values);
      });
    }),
    `the answer to ${JSON.stringify(event)}`,
  );
}

/** What the server answers an event with: one value. */
async function ask(socket, event, ...args) {
  const values = await answers(socket, event, ...args);
  assert.strictEqual(values.length, 1, `${event} was answered with ${values.length} values`);
  return values[0];
}

function same(actual, expected, what) {
  assert.deepStrictEqual(actual, expected, what);
}

/** Whether a promise is settled by now, seen after everything that is already under way. */
function pending(promise) {
  let state = "pending";
  promise.then(
    () => (state = "settled"),
    () => (state = "settled"),
  );
  return () => state === "pending";
}

/** Run a scenario with the clients that the arguments name. */
function main(scenario) {
  start((url, client, transport, ...rest) => scenario(new Bench(url, client, transport), ...rest));
}

module.exports = { Bench, answers, ask, connected, main, next, pending, record, report, same, upgraded, within };
