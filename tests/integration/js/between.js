// The newest client on each of several servers, which have their clients in common:
//
//     node between.js URL URL...
//
// What one of them says reaches all others.
"use strict";

const { io } = require("socket.io-client");
const { start } = require("./host.js");

start(async (...urls) => {
  const transports = (process.env.TRANSPORTS || "polling,websocket").split(",");
  const options = { transports, forceNew: true, reconnection: false };
  const sockets = urls.map((url) => io(`${url}/chat`, options));
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.on("connect", resolve))));
  for (const sender of sockets) {
    const others = sockets.filter((socket) => socket !== sender);
    const heard = others.map((socket) => new Promise((resolve) => socket.once("message", resolve)));
    if ((await sender.timeout(20_000).emitWithAck("message", "hello")) !== "OK") throw new Error("no answer");
    if ((await Promise.all(heard)).some((text) => text !== "hello")) throw new Error("another text");
  }
  for (const socket of sockets) socket.disconnect();
});
