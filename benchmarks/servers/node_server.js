// Node's socket.io, as an application would use it.
"use strict";

const { createServer } = require("node:http");
const { Server } = require("socket.io");

const port = Number(process.argv[process.argv.indexOf("--port") + 1]);
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

http.listen(port, "127.0.0.1", 1024, () => {
  const versions = {
    Node: process.versions.node,
    "socket.io": require("socket.io/package.json").version,
    ws: require("ws/package.json").version,
  };
  console.log(JSON.stringify(versions));
});
