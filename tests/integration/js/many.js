// Many clients of one kind at once, on a server with several workers:
//
//     node many.js URL CLIENT TRANSPORT COUNT
//
// prints how many clients each worker has.
"use strict";

const { answers, ask, main, report, same } = require("./lib.js");

const TEXT = "größe 😀 ".repeat(40_000);
const BINARY = Buffer.alloc(100_000, "0123456789");

async function talk(bench, socket) {
  const me = await ask(socket, "whoami");
  same(me.sid, socket.id);
  same(me.transport, bench.polls ? "polling" : "websocket");
  for (const round of [1, 2, 3]) {
    const sent = [round, { deep: [BINARY] }, "é"];
    same(await answers(socket, "echo", ...sent), sent);
  }
  same(await ask(socket, "same", TEXT), TEXT);
  const numbers = [...Array(30).keys()];
  same(await Promise.all(numbers.map((number) => ask(socket, "same", number))), numbers);
}

main(async (bench, count) => {
  const sockets = await Promise.all([...Array(Number(count))].map(() => bench.open("/chat")));
  await Promise.all(sockets.map((socket) => talk(bench, socket)));
  const workers = {};
  for (const { id } of sockets) {
    const worker = id.split("~")[1];
    workers[worker] = (workers[worker] || 0) + 1;
  }
  report(workers);
  bench.closeAll();
});
