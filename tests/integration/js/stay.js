// A client that stays, and tells what happens to it, a line of JSON for each:
//
//     node stay.js URL CLIENT TRANSPORT
//
// It connects anew by itself, and answers each connect with a question to the server.
"use strict";

const { ask, main, report } = require("./lib.js");

main(async (bench) => {
  const socket = bench.start("/chat", {
    auth: { staying: true },
    reconnection: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
    randomizationFactor: 0,
  });
  socket.on("connect", async () => {
    const me = await ask(socket, "whoami");
    report({ connected: socket.id, auth: me.auth, same: me.sid === socket.id });
  });
  socket.on("disconnect", (reason) => report({ disconnected: reason }));
  await new Promise(() => {});
});
