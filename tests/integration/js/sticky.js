// The newest client behind a proxy that is sticky by address, from several addresses:
//
//     node sticky.js URL COUNT
//
// prints how many clients each worker has.
"use strict";

const assert = require("node:assert");
const https = require("node:https");
const { io } = require("socket.io-client");
const { report, start } = require("./host.js");
const { ask, connected, record, upgraded } = require("./lib.js");

const TRANSPORTS = [["polling"], ["websocket"], ["polling", "websocket"]];

async function open(url, number, transports) {
  const address = `127.0.1.${number}`;
  const agent = new https.Agent({ localAddress: address });
  const socket = io(`${url}/chat`, { agent, transports, forceNew: true, reconnection: false });
  await connected(socket);
  if (transports.length > 1) await upgraded(socket);
  const me = await ask(socket, "whoami");
  assert.deepEqual([me.sid, me.address, me.scheme], [socket.id, address, "https"]);
  assert.equal(me.transport, transports.at(-1));
  return socket;
}

start(async (url, count) => {
  const numbers = [...Array(Number(count)).keys()];
  const sockets = await Promise.all(numbers.map((n) => open(url, n + 1, TRANSPORTS[n % TRANSPORTS.length])));
  const heard = sockets.map((socket) => record(socket, "news"));
  for (const [n, socket] of sockets.entries()) await ask(socket, "emit", "news", [n], {});
  await Promise.all(heard.map((news) => news.until(sockets.length)));
  for (const news of heard) assert.deepEqual(news.map(([n]) => n).sort((a, b) => a - b), numbers);
  const workers = {};
  for (const { id } of sockets) workers[id.split("~")[1]] = (workers[id.split("~")[1]] || 0) + 1;
  report(workers);
  for (const socket of sockets) socket.disconnect();
});
