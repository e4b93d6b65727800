// Official clients of all versions that stay, over each transport:
//
//     node heartbeat.js URL CLIENT TRANSPORT CLIENTS...
//
// A line of JSON tells when one is connected, has had three heartbeats since, and is disconnected.
"use strict";

const { Bench, ask, main, report } = require("./lib.js");

function stay(url, client, transport) {
  const bench = new Bench(url, client, transport);
  const name = `${client} ${transport}`;
  const socket = bench.start("/chat", {
    reconnection: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
    randomizationFactor: 0,
  });
  // Current clients are pinged and answer, old ones ping and are answered.
  const beat = bench.isLegacy ? "pong" : "ping";
  socket.on("connect", async () => {
    let beats = 0;
    socket.io.engine.on("packet", ({ type }) => type === beat && ++beats === 3 && report({ stayed: name }));
    const { sid } = await ask(socket, "whoami");
    report({ connected: name, sid });
  });
  socket.on("disconnect", (reason) => report({ disconnected: name, reason }));
}

main(async ({ url }, ...clients) => {
  for (const client of clients) for (const transport of ["polling", "websocket", "upgrade"]) stay(url, client, transport);
  await new Promise(() => {});
});
