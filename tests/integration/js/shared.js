//     node shared.js URL ADAPTER
//
// A Socket.IO server that shares its clients by @socket.io/redis-adapter, of the version that is
// installed as ADAPTER, and does what a client of its namespace /control says: JavaScript, with
// `io`, and `emitter` of @socket.io/redis-emitter.
"use strict";

const { createServer } = require("node:http");
const { Server } = require("socket.io");
const { Emitter } = require("@socket.io/redis-emitter");
const { createClient } = require("redis");
const { report, start } = require("./host");

const AsyncFunction = (async () => {}).constructor;

start(async (url, adapter) => {
  const { createAdapter } = require(adapter);
  const clients = [createClient({ url }), createClient({ url })];
  await Promise.all(clients.map((client) => client.connect()));
  const http = createServer();
  const io = new Server(http, { adapter: createAdapter(...clients) });
  const emitter = new Emitter(clients[0]);
  const said = [];

  io.on("connection", (socket) => {
    socket.on("enter", (room, done) => done(socket.join(room)));
    socket.on("say", (room, ...args) => io.to(room).emit("said", ...args));
  });
  io.on("tell", (...args) => said.push(args));
  io.on("sum", (a, b, done) => done(a + b));
  io.of("/control").on("connection", (socket) => {
    socket.on("run", async (code, done) => {
      try {
        done(null, await new AsyncFunction("io", "emitter", "said", code)(io, emitter, said));
      } catch (error) {
        done(String(error.stack), null);
      }
    });
  });
  http.listen(0, "127.0.0.1", () => report({ port: http.address().port }));
  await new Promise(() => {});
});
