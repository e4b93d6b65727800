// The chat example behind a web server: each transport, text, pictures, and the server's own calls.
//
//   node chat.js URL
"use strict";

const assert = require("node:assert");
const { io } = require("socket.io-client");

const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };
const PNG = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(150000, "picture")]);

async function join(url, name) {
  const auth = { name, key: `${name}-key-0000`, room: "#garden" };
  const options = { transports: TRANSPORTS[name], forceNew: true, reconnection: false, auth };
  const socket = io(`${url}/chat`, options);
  const joined = new Promise((resolve) => socket.once("history", resolve));
  await new Promise((resolve, reject) => {
    socket.on("connect", resolve);
    socket.on("connect_error", reject);
  });
  const { engine } = socket.io;
  if (name === "upgrade" && engine.transport.name !== "websocket") {
    await new Promise((resolve) => engine.once("upgrade", resolve));
  }
  assert.equal(engine.transport.name, name === "polling" ? "polling" : "websocket");
  assert.equal(await joined, "#garden");
  socket.on("whisper", (name, at, text, answer) => answer(true));
  return socket;
}

async function talk(people, name, count) {
  const ask = (...sent) => people[name].timeout(20000).emitWithAck(...sent);
  const others = Object.entries(people).filter(([other]) => other !== name);
  const hears = (event, test) =>
    others.map(([, other]) => new Promise((resolve) => {
      other.on(event, function heard(message) {
        if (test(message)) resolve(other.off(event, heard));
      });
    }));
  const said = hears("message", (message) => message.name === name && message.text === "grüße 😀");
  assert.ok((await ask("message", `message-${name}`, "grüße 😀")).at);
  await Promise.all(said);
  const shown = hears("picture", ({ data }) => PNG.equals(Buffer.from(data)));
  const answer = await ask("picture", `picture-${name}`, PNG);
  assert.ok(answer.at, JSON.stringify(answer));
  await Promise.all(shown);
  for (const [other] of others) assert.ok((await ask("whisper", other, "psst")).at);
}

async function main(url) {
  const page = await fetch(`${url}/`);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /<html/);
  const people = {};
  for (const name of Object.keys(TRANSPORTS)) people[name] = await join(url, name);
  for (const name of Object.keys(people)) await talk(people, name);
  const left = Object.values(people).map((one) => new Promise((resolve) => one.on("disconnect", resolve)));
  console.log("ok");
  await Promise.all(left);
  console.log("left");
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exit(1);
});
