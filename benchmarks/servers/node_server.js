// Node's socket.io, as an application would use it.
"use strict";

const { createServer } = require("node:http");
const { Server } = require("socket.io");

const asked = (name) => process.argv[process.argv.indexOf(name) + 1 || process.argv.length];
const port = Number(asked("--port"));
const redis = asked("--redis"); // by which to share clients with other servers
const http = createServer();
const io = new Server(http, { allowEIO3: true });
const left = {};

io.on("connection", (socket) => {
  socket.on("echo", (value, answer) => answer(value));
  socket.on("join", (answer) => {
    socket.join("everybody");
    answer();
  });
  socket.on("fan", (first, count, size, answer) => {
    const text = "x".repeat(size);
    for (let number = first; number < first + count; number++) {
      io.to("everybody").emit("fan", number, text);
    }
    answer();
  });
  socket.on("flood", () => {});
  socket.on("reasons", (answer) => answer(left));
  socket.on("disconnect", (reason) => {
    left[reason] = (left[reason] || 0) + 1;
  });
});

async function share() {
  const { createAdapter } = require("@socket.io/redis-adapter");
  const { createClient } = require("redis");
  const pub = createClient({ url: redis });
  const sub = pub.duplicate();
  await Promise.all([pub.connect(), sub.connect()]);
  io.adapter(createAdapter(pub, sub));
  return {
    "redis-adapter": require("@socket.io/redis-adapter/package.json").version,
    redis: require("redis/package.json").version,
  };
}

async function main() {
  const shared = redis ? await share() : {};
  await new Promise((done) => http.listen(port, "127.0.0.1", 1024, done));
  const versions = {
    Node: process.versions.node,
    "socket.io": require("socket.io/package.json").version,
    ws: require("ws/package.json").version,
    ...shared,
  };
  console.log(JSON.stringify(versions));
}

main();
