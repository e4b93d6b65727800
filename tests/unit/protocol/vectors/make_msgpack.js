// Writes what the official socket.io-msgpack-parser makes of packets and of messages:
//
//     cd tests/unit/protocol/vectors && node make_msgpack.js > msgpack.json
//
// The parser is the one that tests/integration/package.json names; `make setup` installs it.
// A message is written in hexadecimal; in a packet, binary is {"$hex": "..."} and a Date
// {"$date": milliseconds}.
"use strict";

const { createRequire } = require("node:module");
const { join } = require("node:path");

const needed = createRequire(join(__dirname, "../../../integration/package.json"));
const { Decoder, Encoder, PacketType, protocol } = needed("socket.io-msgpack-parser");
const { encode } = createRequire(needed.resolve("socket.io-msgpack-parser"))("notepack.io");

const bytes = (...values) => Buffer.from(values);
const count = (length) => Array.from({ length }, (_, i) => i);
const event = (...data) => ({ type: PacketType.EVENT, nsp: "/", data });
const TEXTS = ["", "text", "é ü ß", "e\u0301", "😀👩‍👩‍👧", "a\u0000b", "\ufeff", "\uffff", "日本語", "العربية", "x".repeat(31), "x".repeat(32), "é".repeat(200), "😀".repeat(70)];
const NUMBERS = [0, 127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53, -1, -32, -33, -128, -129, -32768, -32769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 53), 1.5, -0.1, 1e-300]; // 1e300 it loses

// What both write the same.
const WRITTEN = {
  "connect": { type: PacketType.CONNECT, nsp: "/" },
  "connect with a sid": { type: PacketType.CONNECT, nsp: "/chat", data: { sid: "oSO0OpakMV_3jnilAAAA" } },
  "disconnect": { type: PacketType.DISCONNECT, nsp: "/" },
  "connect error": { type: PacketType.CONNECT_ERROR, nsp: "/chat", data: { message: "no", data: { code: 7 } } },
  "event without arguments": event("hi"),
  "event with an id to a namespace": { ...event("hi", 1), nsp: "/chat", id: 456 },
  "event with id 0": { ...event("hi"), id: 0 },
  "event with every kind": event("kinds", null, true, false, "x", [], {}, [[1, [2]]], { a: { b: [null] } }),
  "event with every text": event("texts", ...TEXTS),
  "event with every text as a key": event("keys", Object.fromEntries(TEXTS.map((text, i) => [text, i]))),
  "event with every number": event("numbers", ...NUMBERS),
  "event with many arguments": event("many", ...count(20)),
  "event with a large object": event("large", Object.fromEntries(count(20).map((i) => [`k${i}`, i]))),
  "event with something like a placeholder": event("x", { _placeholder: true, num: 0 }),
  "event with binary": { ...event("b", bytes(), bytes(0, 255), { deep: [bytes(1, 2)] }, Buffer.alloc(300, 7)), id: 7 },
  "event with dates": event("dates", new Date(0), new Date(1), new Date(-1), new Date(1_700_000_000_123), new Date(-62_135_596_800_000), new Date(253_402_300_799_999)),
  "ack": { type: PacketType.ACK, nsp: "/chat", data: ["a", { b: "ü" }, null, bytes(9)], id: 1 },
  "ack without arguments": { type: PacketType.ACK, nsp: "/", data: [], id: 12 },
};

const buffer = (...values) => new Uint8Array(values).buffer;

// What only JavaScript writes, and other encoders do.
const READ = {
  "connect without auth": encode({ type: 0, data: undefined, nsp: "/" }),
  "event with the client's options": encode({ type: 2, data: ["a", 1], options: { compress: true }, id: 3, nsp: "/" }),
  "event with undefined": encode(event("u", undefined, { a: undefined })),
  "event with array buffers": encode(event("b", buffer(), buffer(5), buffer(0), buffer(1, 2), buffer(1, 2, 3, 4, 5, 6, 7, 8), buffer(...Array(16).fill(3)), buffer(...Array(300).fill(4)))),
  "event with all that is an extension": encode(event("e", undefined, buffer(0), new Date(5), buffer(0, 0, 0, 0, 0, 0, 0, 5), "\u0000".repeat(40), undefined, [1.5, -7, 70_000, 2 ** 40, { "k": new Date(6) }], bytes(0xc7, 1, 0), new Date(7))),
  "event with a number for a name": encode(event(5, 1)),
  "event with the key __proto__x": encode(event("a", { __proto__x: 1, constructor: 2 })),
  "event with long forms": Buffer.from("df00000003" + "da0004" + "74797065" + "d200000002" + "d9036e7370" + "db00000001" + "2f" + "a464617461" + "dd00000001" + "a178", "hex"),
  "event with a float of 32 bits": Buffer.from("83a474797065" + "02" + "a36e7370a12f" + "a464617461" + "92a178" + "ca3fc00000", "hex"),
  // What the parser passes on, and we do not: see STRICTER in test_vectors_msgpack.py.
  "event without a name": encode({ type: 2, nsp: "/", data: [] }),
  "event with null for a name": encode(event(null)),
  "event with a reserved name": encode(event("disconnect")),
  "ack without an id": encode({ type: 3, nsp: "/", data: [] }),
  "an id below 0": encode({ ...event("a"), id: -1 }),
  "an id beyond what is exact": encode({ ...event("a"), id: 2 ** 53 }),
  "an extension of another type": Buffer.from("83a474797065" + "02" + "a36e7370a12f" + "a464617461" + "92a178" + "d505aabb", "hex"),
  "text that is not UTF-8": Buffer.from("83a474797065" + "02" + "a36e7370a12f" + "a464617461" + "92a178" + "a2c328", "hex"),
  "a number for a key": Buffer.from("83a474797065" + "02" + "a36e7370a12f" + "a464617461" + "92a178" + "810102", "hex"),
  "a date of the year 20000": encode(event("d", new Date(568_971_820_800_000))),
};

const REFUSED = {
  "nothing": Buffer.alloc(0),
  "a number": encode(1),
  "null": encode(null),
  "a list": encode([2, "/"]),
  "more behind it": Buffer.concat([encode(event("a")), bytes(0)]),
  "half of it": encode(event("a")).subarray(0, 20),
  "the byte that is never used": bytes(0xc1),
  "no type": encode({ nsp: "/", data: ["a"] }),
  "type 5": encode({ type: 5, nsp: "/", data: ["a"] }),
  "type -1": encode({ type: -1, nsp: "/", data: ["a"] }),
  "a type of text": encode({ type: "2", nsp: "/", data: ["a"] }),
  "a type and a half": encode({ type: 2.5, nsp: "/", data: ["a"] }),
  "a type that is true": encode({ type: true, nsp: "/", data: ["a"] }),
  "no namespace": encode({ type: 2, data: ["a"] }),
  "a namespace that is a number": encode({ type: 2, nsp: 1, data: ["a"] }),
  "connect with a list": encode({ type: 0, nsp: "/", data: [] }),
  "connect with a text": encode({ type: 0, nsp: "/", data: "x" }),
  "disconnect with an object": encode({ type: 1, nsp: "/", data: {} }),
  "event without data": encode({ type: 2, nsp: "/" }),
  "event with an object": encode({ type: 2, nsp: "/", data: {} }),
  "ack with a text": encode({ type: 3, nsp: "/", id: 1, data: "a" }),
  "connect error with a list": encode({ type: 4, nsp: "/", data: [] }),
  "connect error without data": encode({ type: 4, nsp: "/" }),
  "an id of text": encode({ ...event("a"), id: "1" }),
  "an id and a half": encode({ ...event("a"), id: 1.5 }),
};

/** A value without what JSON has not. */
function plain(value) {
  if (value instanceof ArrayBuffer) return plain(Buffer.from(value));
  if (Buffer.isBuffer(value)) return { $hex: value.toString("hex") };
  if (value instanceof Date) return { $date: value.getTime() };
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  }
  return value === undefined ? null : value;
}

/** A packet of the parser in the words of sionamespace. */
function packet({ type, nsp, data, id }) {
  const name = Object.keys(PacketType).find((key) => PacketType[key] === type);
  return { type: name, path: nsp, data: plain(data), id: id === undefined ? null : id };
}

function decode(message) {
  const decoder = new Decoder();
  let decoded;
  decoder.on("decoded", (found) => (decoded = packet(found)));
  decoder.add(message);
  return decoded;
}

function refusal(message) {
  try {
    decode(message);
  } catch (error) {
    return error.message;
  }
  throw new Error(`the parser takes ${message.toString("hex")}`);
}

const written = Object.entries(WRITTEN).map(([name, given]) => {
  const [message] = new Encoder().encode(given);
  return { name, packet: packet(given), message: message.toString("hex") };
});
const read = Object.entries(READ).map(([name, message]) => ({ name, message: message.toString("hex"), decoded: decode(message) }));
const refused = Object.entries(REFUSED).map(([name, message]) => ({ name, message: message.toString("hex"), error: refusal(message) }));

const version = needed("./package.json").dependencies["socket.io-msgpack-parser"];
process.stdout.write(JSON.stringify({ parser: version, protocol, written, read, refused }, null, 1) + "\n");
