// The newest client behind a proxy, from 127.0.0.2: `node proxy.js URL`, silent when all is well.
//
// It writes forged headers, and must be known by its own address and by the proxy's scheme and host.
"use strict";

const assert = require("node:assert");
const https = require("node:https");
const { io } = require("socket.io-client");

const url = process.argv[2];
const { host } = new URL(url);
const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };
const TEXT = "grüße 😀 ".repeat(20_000);
const FORGED = { "x-forwarded-for": "6.6.6.6", "x-forwarded-host": "evil.example", "x-forwarded-proto": "http" };

function start(transports, origin) {
  const agent = new https.Agent({ localAddress: "127.0.0.2" });
  const extraHeaders = { ...FORGED, origin };
  return io(`${url}/chat`, { agent, transports, extraHeaders, forceNew: true, reconnection: false });
}

async function check(name) {
  const socket = start(TRANSPORTS[name], url);
  await new Promise((resolve, reject) => socket.on("connect", resolve).on("connect_error", reject));
  const { engine } = socket.io;
  if (name === "upgrade" && engine.transport.name !== "websocket") {
    await new Promise((resolve) => engine.once("upgrade", resolve));
  }
  const ask = (...sent) => socket.timeout(20_000).emitWithAck(...sent);
  const me = await ask("whoami");
  assert.equal(me.transport, name === "polling" ? "polling" : "websocket");
  assert.deepEqual([me.address, me.scheme, me.host], ["127.0.0.2", "https", host]);
  assert.equal(await ask("same", TEXT), TEXT);
  assert.deepEqual(await ask("same", Buffer.from(TEXT)), Buffer.from(TEXT));
  const many = await Promise.all([...Array(200).keys()].map((number) => ask("same", number)));
  assert.deepEqual(many, [...Array(200).keys()]);
  socket.disconnect();
  const stranger = start(TRANSPORTS[name], "https://evil.example");
  await new Promise((resolve, reject) => stranger.on("connect", reject).on("connect_error", resolve));
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
