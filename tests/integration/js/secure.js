// What goes over TLS: each transport, big messages both ways, a stop.
//
//   NODE_EXTRA_CA_CERTS=authority.pem node secure.js https://...
"use strict";

const assert = require("node:assert");
const { io } = require("socket.io-client");

const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };
const TEXT = "grüße 😀 " + "x".repeat(300000);
const BINARY = Buffer.alloc(300000, "0123456789");

async function join(url, name) {
  const options = { transports: TRANSPORTS[name], forceNew: true, reconnection: false, timeout: 20000 };
  const socket = io(`${url}/chat`, options);
  await new Promise((resolve, reject) => {
    socket.on("connect", resolve);
    socket.on("connect_error", reject);
  });
  const { engine } = socket.io;
  if (name === "upgrade" && engine.transport.name !== "websocket") {
    await new Promise((resolve) => engine.once("upgrade", resolve));
  }
  assert.equal(engine.transport.name, name === "polling" ? "polling" : "websocket");
  return socket;
}

async function main(url) {
  const sockets = [];
  for (const name of Object.keys(TRANSPORTS)) sockets.push(await join(url, name));
  const ask = (socket, ...sent) => socket.timeout(20000).emitWithAck(...sent);
  for (const socket of sockets) {
    assert.equal(await ask(socket, "same", TEXT), TEXT);
    assert.deepEqual(await ask(socket, "same", BINARY), BINARY);
    const many = [...Array(200).keys()];
    assert.deepEqual(await Promise.all(many.map((number) => ask(socket, "same", number))), many);
    socket.on("question", (answer) => answer("yes"));
    assert.equal((await ask(socket, "ask", "question")).answer, "yes");
    await ask(socket, "enter", "all");
  }
  const heard = sockets.map((socket) => new Promise((resolve) => socket.once("news", resolve)));
  await ask(sockets[0], "emit", "news", [TEXT], { room: "all" });
  assert.deepEqual(await Promise.all(heard), [TEXT, TEXT, TEXT]);
  const left = sockets.map((socket) => new Promise((resolve) => socket.on("disconnect", resolve)));
  console.log("ok");
  for (const reason of await Promise.all(left)) assert.match(reason, /^transport (close|error)$/);
  console.log("left");
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exit(1);
});
