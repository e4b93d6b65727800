// A client that stays: it says when it is connected, loses its server, and comes back.
//
//   node rejoin.js URL TRANSPORT
"use strict";

const { io } = require("socket.io-client");

const [url, transport] = process.argv.slice(2);
const socket = io(url, { transports: [transport], reconnectionDelay: 100, reconnectionDelayMax: 500 });
let again = false;

socket.on("connect", () => {
  socket.emit("message", "hello", (answer) => {
    console.log(again ? `connected again: ${answer}` : "connected");
  });
});
socket.on("disconnect", () => {
  again = true;
  console.log("disconnected");
});
