// An echo of the engine alone: `node engine.js URL CLIENT`, silent when all is well.
"use strict";

const assert = require("node:assert");
const { next, within } = require("./lib.js");

const [url, client] = process.argv.slice(2);
const { Socket } = require(client);
const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };
const MESSAGES = ["text", "grüße 😀\u0000\u2028", "x".repeat(300_000), Buffer.from([0, 1, 255]), Buffer.alloc(200_000, 7), ...[...Array(200).keys()].map(String)];

/** A message as it comes over each transport. */
const plain = (message) => (typeof message === "string" ? message : Buffer.from(message));

async function check(name) {
  const socket = new Socket(url, { transports: TRANSPORTS[name] });
  socket.once("error", (error) => { throw error; });
  await next(socket, "open");
  if (name === "upgrade") await next(socket, "upgrade");
  assert.equal(socket.transport.name, name === "polling" ? "polling" : "websocket");
  const got = [];
  const all = new Promise((resolve) =>
    socket.on("message", (message) => got.push(plain(message)) === MESSAGES.length && resolve()));
  for (const message of MESSAGES) socket.send(message);
  await within(all, "all messages");
  for (const [i, message] of MESSAGES.entries()) {
    assert(Buffer.from(message).equals(Buffer.from(got[i])), `${name}: message ${i} came as ${String(got[i]).slice(0, 80)}`);
    assert.equal(typeof got[i], typeof message);
  }
  const closed = next(socket, "close");
  socket.close();
  await closed;
}

async function main() {
  for (const name of Object.keys(TRANSPORTS)) await check(name);
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
