// What a WebSocket of the newest client carries: `node compression.js URL` prints, as JSON, the
// extensions that were agreed upon, and how many bytes of the socket came for 100 kB of text.
"use strict";

const assert = require("node:assert");
const { ask, main, report } = require("./lib.js");

const ROWS = Array.from({ length: 1000 }, (_, i) => `{"id":${i},"name":"somebody","city":"Erfurt","score":${i * 7}}`);

main(async (bench) => {
  const socket = await bench.open("/chat");
  const { ws } = socket.io.engine.transport;
  const [read, written] = [ws._socket.bytesRead, ws._socket.bytesWritten];
  const text = ROWS.join("").repeat(2).slice(0, 100_000);
  assert.strictEqual(await ask(socket, "same", text), text);
  report({
    extensions: ws.extensions,
    read: ws._socket.bytesRead - read,
    written: ws._socket.bytesWritten - written,
  });
});
