// What every recipe of docs/deploy must be able to do: `node recipe.js URL`, silent when all is well.
"use strict";

const assert = require("node:assert");
const { io } = require("socket.io-client");

const url = process.argv[2];
const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };

const event = (emitter, name) => new Promise((resolve) => emitter.once(name, resolve));

async function check(name) {
  const socket = io(`${url}/chat`, { transports: TRANSPORTS[name], forceNew: true });
  socket.on("question", (text, answer) => answer(`${text} yes`));
  await new Promise((resolve, reject) => {
    socket.on("connect", resolve);
    socket.on("connect_error", reject);
  });
  const engine = socket.io.engine;
  if (name === "upgrade" && engine.transport.name !== "websocket") await event(engine, "upgrade");
  assert.equal(engine.transport.name, name === "polling" ? "polling" : "websocket");
  const ask = (...sent) => socket.timeout(20000).emitWithAck(...sent);
  assert.equal(await ask("echo", "ü😀"), "ü😀");
  assert.deepEqual(await ask("echo", Buffer.from([0, 1, 255])), Buffer.from([0, 1, 255]));
  assert.equal(await ask("ask"), "sure? yes");
  assert.equal(await ask("ask_blocking"), "sure? yes");
  const many = await Promise.all([...Array(200).keys()].map((number) => ask("echo", number)));
  assert.deepEqual(many, [...Array(200).keys()]);
  socket.disconnect();
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
