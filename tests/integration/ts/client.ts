// A client that must compile, but for the lines after `@ts-expect-error`, which must not.

import { io, Socket } from "socket.io-client";
import type { Binary, Color, Failure, Order, Room, Settings, Shop } from "./events";

const auth: Shop.Auth = { user: "ann" };
const path: Shop.Path = "/shop";
const socket: Socket<Shop.ServerToClientEvents, Shop.ClientToServerEvents> = io(path, { auth });

const picture = { name: "cat", data: new Uint8Array([1, 2]) };
const lines = [{ article: "tea" }, { article: "milk", amount: 2 }];

// What clients send.

socket.emit("order", { lines }, (answer) => {
  if ("error" in answer) {
    console.log(answer.error.message, answer.error.data);
  } else {
    const amount: number = answer.lines[0].amount;
    const color: Color | null = answer.color;
    console.log(amount, color, answer.price.length);
  }
});
socket.emit("order", { lines, color: "red", due: null }, "a note", (answer) => console.log(answer));
socket.emit("typing");
socket.emit("typing", (failure) => console.log(failure?.error.message));
socket.emit("upload", picture, (name) => {
  if (typeof name === "string") console.log(name.length);
});
socket.emit("pair", (first, second) => {
  if (typeof first === "number") console.log(first + 1, second?.length);
});
socket.emit("numbers", (sum) => console.log(sum));
socket.emit("numbers", 1, 2, 3, (sum) => console.log(sum));
socket.emit("all", (...answers) => console.log(answers.length));
socket.emit("anything", new Date());
socket.emit("later", (...answers) => console.log(answers[0]));
socket.emit("save", { darkMode: true }, { name: "Ann" }, (settings) => console.log(settings));
socket.emit("pick", "a");
socket.emit("pick", "b", 2, (choice) => console.log(choice));
socket.timeout(500).emit("numbers", 1, (error, sum) => {
  const answer: number | Failure = sum;
  console.log(error, answer);
});
socket.timeout(500).emit("typing", (error, failure) => console.log(error, failure?.error));

async function asked(): Promise<void> {
  const order: Order | Failure = await socket.emitWithAck("order", { lines });
  const noted: Order | Failure = await socket.emitWithAck("order", { lines }, "a note");
  const name: string | undefined | Failure = await socket.emitWithAck("upload", picture);
  const sum: number | Failure = await socket.emitWithAck("numbers", 1, 2);
  const first: number | Failure | undefined = await socket.emitWithAck("pair");
  const saved: Settings | Failure = await socket.timeout(5).emitWithAck("save", {}, { name: "" });
  await socket.emitWithAck("typing");
  console.log(order, noted, name, sum, first, saved);

  // @ts-expect-error: an answer may be a Failure
  const sure: number = await socket.emitWithAck("numbers", 1);
  // @ts-expect-error: it is no text
  const text: string | Failure = await socket.emitWithAck("numbers", 1);
  // @ts-expect-error: these are numbers
  await socket.emitWithAck("numbers", "1");
  console.log(sure, text);
}

// @ts-expect-error: there is no such event
socket.emit("ordr", { lines }, () => {});
// @ts-expect-error: an article is a text
socket.emit("order", { lines: [{ article: 1 }] }, () => {});
// @ts-expect-error: there must be an article
socket.emit("order", { lines: [{ amount: 1 }] }, () => {});
// @ts-expect-error: there is no such color
socket.emit("order", { lines, color: "green" }, () => {});
// @ts-expect-error: an answer is given, and there may be a Failure in it
socket.emit("order", { lines });
// @ts-expect-error: bytes are no text
socket.emit("upload", { name: "cat", data: "bytes" }, () => {});
// @ts-expect-error: it may be a Failure
socket.emit("upload", picture, (name?: string) => console.log(name));
// @ts-expect-error: nothing is answered but a Failure
socket.emit("typing", (answer: string) => console.log(answer));
// @ts-expect-error: it takes no argument
socket.emit("typing", "fast");
// @ts-expect-error: there is no such choice
socket.emit("pick", "c");
// @ts-expect-error: the server sends that
socket.emit("joined", "Ann");
// @ts-expect-error: there is a user
const stranger: Shop.Auth = {};
// @ts-expect-error: that is another namespace's
const elsewhere: Shop.Path = "/rooms/tea";

// What they are sent.

socket.on("order", (order) => {
  const due: string | null = order.due;
  console.log(due, order.lines.length, order.id.length);
  // @ts-expect-error: it may be null
  order.due.length;
});
socket.on("joined", (name, room) => console.log(name.length, room?.length));
socket.on("picture", ({ data, size: [width, height] }) => {
  const bytes: Binary = data;
  console.log(new Uint8Array(bytes).length, width * height);
});
socket.on("shapes", (...shapes) => {
  for (const shape of shapes) {
    if (shape.type === "Circle") console.log(shape.radius, shape.center.x);
    else console.log(shape.x);
  }
});
socket.on("any name", (data, sparse) => console.log(data.a[0] + 1, sparse.text?.length));
socket.on("confirm", (question, ack) => ack(question.length > 3));
socket.on("rate", (...args) => {
  if (args.length === 2) args[1](5);
  else args[2](args[1]);
});
socket.on("place", (ack) => ack(7, "High Street"));
socket.on("receipt", (function_, ack) => ack());
socket.on("settings", (ack) => ack({ tags: ["a"] }));
socket.on("settings", (ack) => ack(null));
socket.on("several", (ack) => ack(1, 2, 3));
socket.on("open", (x, ack) => ack?.(x, 1));

// @ts-expect-error: there is no such event
socket.on("ordered", () => {});
// @ts-expect-error: an order is no text
socket.on("order", (order: string) => console.log(order));
// @ts-expect-error: it is to be answered with a boolean
socket.on("confirm", (question, ack) => ack("yes"));
// @ts-expect-error: with something
socket.on("confirm", (question, ack) => ack());
// @ts-expect-error: with two arguments
socket.on("place", (ack) => ack(7));
// @ts-expect-error: with nothing
socket.on("receipt", (name, ack) => ack(true));
// @ts-expect-error: nothing is answered
socket.on("joined", (name, room, ack: () => void) => ack());

// A namespace with parameters.

const room: Room.Path = "/rooms/tea";
const log: Room.Path = `/jobs/${7}/log`;
const talk: Socket<Room.ServerToClientEvents, Room.ClientToServerEvents> = io(room);
talk.emit("say", "hello", (said) => console.log(said === true));
talk.on("presence_diff", (where, { joins, leaves }) => console.log(where, joins, leaves));
// @ts-expect-error: a job has a number
const job: Room.Path = "/jobs/seven/log";

console.log(asked, stranger, elsewhere, log, job);
