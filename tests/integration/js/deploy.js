// What a deployment must carry: the newest client over each transport, both ways.
//
//   node deploy.js URL
const { io } = require("socket.io-client");

const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };
const TEXT = "grüße 😀 " + "x".repeat(70000);

function connect(url, transports) {
  const socket = io(url, { transports, forceNew: true, reconnection: false, timeout: 20000 });
  return new Promise((resolve, reject) => {
    socket.on("connect_error", reject);
    socket.on("connect", () => resolve(socket));
  });
}

function upgraded(socket) {
  const { engine } = socket.io;
  if (engine.transport.name === "websocket") return null;
  return new Promise((resolve) => engine.once("upgrade", resolve));
}

async function scenario(url) {
  const clients = {};
  for (const [name, transports] of Object.entries(TRANSPORTS)) {
    clients[name] = await connect(url, transports);
    if (name === "upgrade") await upgraded(clients[name]);
  }
  for (const [name, socket] of Object.entries(clients)) {
    const used = socket.io.engine.transport.name;
    if (used !== (name === "polling" ? "polling" : "websocket")) throw new Error(`${name} uses ${used}`);
    const others = Object.values(clients).filter((other) => other !== socket);
    const heard = others.map((other) => new Promise((resolve) => other.once("message", resolve)));
    const answer = await socket.timeout(20000).emitWithAck("message", TEXT);
    if (answer !== "OK") throw new Error(`${name}: answered ${answer}`);
    for (const text of await Promise.all(heard)) if (text !== TEXT) throw new Error(`${name}: lost text`);
  }
  const left = Object.values(clients).map(
    (socket) => new Promise((resolve) => socket.on("disconnect", resolve)),
  );
  console.log("ok");
  console.log(`left: ${(await Promise.all(left)).join(", ")}`);
}

scenario(process.argv[2]).catch((error) => {
  console.error(error);
  process.exit(1);
});
