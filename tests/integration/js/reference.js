// The reference of the conformance tests: the JavaScript server, with the application that
// conformance/application.py is on sionamespace.
//
//     node reference.js OPTIONS        (JSON: the options of each server, by its path)
"use strict";

const http = require("node:http");
const { Server } = require("socket.io");

const reasons = {};

/** Everything that a client can ask for. */
function talk(socket) {
  socket.on("disconnect", (reason) => (reasons[socket.id] = reason));
  socket.on("echo", (...args) => {
    const answer = args.pop();
    if (typeof answer === "function") answer(...args);
  });
  socket.on("say", (event, ...args) => socket.emit(event, ...args));
  socket.on("binary", () => socket.emit("binary", Buffer.from([1, 2, 255]), { deep: [Buffer.from("ü")] }));
  socket.on("many", (count) => {
    for (let number = 0; number < count; number++) socket.emit("one", number);
  });
  socket.on("ask", (question, ...args) =>
    socket.emit(question, ...args, (...answers) => socket.emit("answered", ...answers)),
  );
  socket.on("leave", () => socket.disconnect());
  socket.on("close", () => socket.disconnect(true));
  socket.on("emit and leave", (...args) => {
    socket.emit("bye", ...args);
    socket.disconnect();
  });
  socket.on("auth", (answer) => answer(socket.handshake.auth));
  socket.on(7, (value, answer) => answer(value));
}

/** Lets nobody in. */
function refuse(socket, next) {
  const error = new Error("not today");
  if (socket.nsp.name === "/door/data") error.data = { until: ["tomorrow"] };
  next(error);
}

/** socket.io's names for our options. */
function translate({ cors_allowed_origins, cors_credentials, cookie, legacy_clients = true, ...rest }) {
  const seconds = (value) => value && Math.round(value * 1000);
  const options = {
    allowEIO3: legacy_clients,
    pingInterval: seconds(rest.ping_interval),
    pingTimeout: seconds(rest.ping_timeout),
    connectTimeout: seconds(rest.connect_timeout),
    upgradeTimeout: seconds(rest.upgrade_timeout),
    maxHttpBufferSize: rest.max_message_bytes,
    transports: rest.transports,
    allowUpgrades: rest.allow_upgrades,
    cookie: cookie && { name: cookie, path: "/", httpOnly: true, sameSite: "lax" },
    cors: cors_allowed_origins && { origin: cors_allowed_origins, credentials: cors_credentials ?? true },
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** What the test may know of a connection: whether a poll or a post is under way, and why it left. */
function state(query) {
  const connection = servers[query.get("server")].engine.clients[query.get("connection")];
  return {
    polling: connection?.transport.name === "polling" && connection.transport.writable,
    posting: Boolean(connection?.transport.dataReq),
    upgrading: Boolean(connection?.upgrading),
    left: reasons[query.get("sid")] ?? null,
  };
}

const servers = {};

/** A server of its own, as an application would start it. */
function serve(path, options) {
  const listener = http.createServer((request, response) => {
    const url = new URL(request.url, "http://localhost");
    response.setHeader("Connection", "close");
    response.end(JSON.stringify(state(url.searchParams)));
  });
  const io = (servers[path] = new Server(listener, { path: `/${path}/`, serveClient: false, ...translate(options) }));
  for (const name of ["/", "/chat"]) io.of(name).on("connection", talk);
  for (const name of ["/door", "/door/data"]) io.of(name).use(refuse);
  return new Promise((resolve) => listener.listen(0, "127.0.0.1", () => resolve([path, listener.address().port])));
}

Promise.all(Object.entries(JSON.parse(process.argv[2])).map(([path, options]) => serve(path, options))).then(
  (ports) => console.log(JSON.stringify({ ports: Object.fromEntries(ports) })),
);
