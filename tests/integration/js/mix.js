// Official clients of all versions in one room, over each transport:
//
//     node mix.js URL CLIENT TRANSPORT CLIENTS...
//
// What one of them has broadcast reaches each of the others, byte for byte.
"use strict";

const { Bench, ask, main, record, same } = require("./lib.js");

const VALUE = {
  text: "é ü ß Ã© 😀👩‍👩‍👧 日本語 \u2028 \u0000 \"quoted\" \\",
  list: [1.5, null, true, { deep: [[Buffer.from(Array.from({ length: 256 }, (_, i) => i))], Buffer.alloc(0)] }],
  "": Buffer.alloc(70_000, "0123456789"),
};

/** Each message is taken once, by these and no others. */
async function expect(got, values, sockets, what) {
  await Promise.all(got.map((messages, i) => messages.until(values[i].length)));
  await Promise.all(sockets.map((socket) => ask(socket, "same", 1))); // and then nothing else comes
  same(got.map((messages) => messages.splice(0)), values, what);
}

async function inNamespace(benches, path) {
  const sockets = await Promise.all(benches.map((bench) => bench.open(path)));
  const [event, room] = [`event ${process.pid} 😀`, `Räume ${process.pid}`];
  const got = sockets.map((socket) => record(socket, event));

  await ask(sockets[0], "emit", event, ["to everyone", VALUE], {});
  await expect(got, sockets.map(() => [["to everyone", VALUE]]), sockets, "to everyone");

  const inside = sockets.filter((_, i) => i % 2 === 0);
  await Promise.all(inside.map((socket) => ask(socket, "enter", room)));
  await ask(sockets[1], "emit", event, ["to a room", VALUE], { room });
  await expect(got, sockets.map((socket) => (inside.includes(socket) ? [["to a room", VALUE]] : [])), sockets, "to a room");

  const everyone = sockets.map(({ id }) => id);
  for (const [i, sender] of sockets.entries()) {
    await ask(sender, "emit", event, [`from ${i}`, VALUE], { room: everyone, skip_sid: sender.id });
    await expect(got, sockets.map((_, j) => (i === j ? [] : [[`from ${i}`, VALUE]])), sockets, `from ${i}`);
  }
}

main(async ({ url }, ...clients) => {
  const benches = clients.flatMap((client) =>
    ["polling", "websocket", "upgrade"].map((transport) => new Bench(url, client, transport)),
  );
  for (const path of ["/", "/chat"]) {
    await inNamespace(benches, path);
    for (const bench of benches) bench.closeAll();
  }
});
