// Writes what the official parsers of old clients make of packets and of texts:
//
//     cd tests/unit/protocol/vectors && node make_legacy.js > v4.json
//
// They are socket.io-parser 2 and 3, which clients 1.x and 2.x have, and engine.io-parser 1 and 2.
// tests/integration/package.json names them; `make setup` installs them.
// A binary value is written as {"$base64": "..."}.
"use strict";

const { createRequire } = require("node:module");
const { join } = require("node:path");

// The oldest of them says Buffer() for Buffer.from() and Buffer.alloc().
process.noDeprecation = true;
const needed = createRequire(join(__dirname, "../../../integration/package.json"));
const SOCKET = { 2: needed("socket.io-parser-2"), 3: needed("socket.io-parser-3") };
const ENGINE = { 1: needed("engine.io-parser-1"), 2: needed("engine.io-parser-2") };

const bytes = (...values) => Buffer.from(values);
const { CONNECT, DISCONNECT, EVENT, ACK, ERROR, BINARY_EVENT, BINARY_ACK, types } = SOCKET[3];
const NAMES = { [ERROR]: "CONNECT_ERROR", [BINARY_EVENT]: "EVENT", [BINARY_ACK]: "ACK" };

// What a server sends, and a client but for the refusals.
const PACKETS = {
  "connect": { type: CONNECT, nsp: "/" },
  "connect to a namespace": { type: CONNECT, nsp: "/chat" },
  "disconnect": { type: DISCONNECT, nsp: "/" },
  "disconnect from a namespace": { type: DISCONNECT, nsp: "/chat" },
  "refusal with a text": { type: ERROR, nsp: "/chat", data: "not today" },
  "refusal with data": { type: ERROR, nsp: "/", data: { code: 7, until: ["tomorrow", "ü😀"] } },
  "event without arguments": { type: EVENT, nsp: "/", data: ["hi"] },
  "event to a namespace": { type: EVENT, nsp: "/chat", data: ["hi", 1] },
  "event with an id": { type: EVENT, nsp: "/chat", data: ["hi"], id: 12 },
  "event with id 0": { type: EVENT, nsp: "/", data: ["hi"], id: 0 },
  "event with every type": { type: EVENT, nsp: "/", data: ["types", null, true, false, 0, -1, 1.5, "x", [], {}, { a: { b: [null] } }] },
  "event with texts": { type: EVENT, nsp: "/", data: ["é ü", "e\u0301", "😀👩‍👩‍👧", "\u2028\u2029", "a\u0000b", "\ufeff\uffff", '"\\/\n', "日本語"] },
  "ack without arguments": { type: ACK, nsp: "/", data: [], id: 0 },
  "ack with several to a namespace": { type: ACK, nsp: "/chat", data: ["a", { b: "ü" }, null], id: 1 },
  "binary event": { type: BINARY_EVENT, nsp: "/", data: ["b", bytes(1, 2, 3)] },
  "binary event, nested": { type: BINARY_EVENT, nsp: "/chat", data: ["b", { a: [bytes(1), { c: bytes() }] }, [[bytes(3)]]], id: 7 },
  "binary ack": { type: BINARY_ACK, nsp: "/chat", data: ["x", { y: bytes(9, 8) }], id: 30 },
};

const ASKED = ["/chat", "/chat?token=x", "/chat?a=1%202&b=%F0%9F%98%80&c="];

// Payloads, of packets with texts that clients 1.x encode twice.
const text = (type, data) => ({ type, data });
const PAYLOADS = {
  "one": [text("message", "hello")],
  "several": [text("message", "2[1]"), text("ping", "x"), text("noop"), text("close")],
  "letters beyond ASCII": [text("message", "é ü ß"), text("message", "a")],
  "an emoji": [text("message", "😀"), text("message", "日本語")],
  "binary": [text("message", bytes(0, 127, 128, 255)), text("message", bytes())],
  "text and binary": [text("message", '51-["ü😀"]'), text("message", bytes(1, 2)), text("message", "x".repeat(120))],
};

/** A value with its buffers as {"$base64": ...}. */
function plain(value) {
  if (Buffer.isBuffer(value)) return { $base64: value.toString("base64") };
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  }
  return value;
}

/** A packet of the parser in the words of sionamespace. */
function packet({ type, nsp, data, id }) {
  const name = NAMES[type] || types[type];
  return { type: name, path: nsp, data: data === undefined ? null : plain(data), id: id === undefined ? null : id };
}

const copy = (value) =>
  Buffer.isBuffer(value) || !value || typeof value !== "object"
    ? value
    : Array.isArray(value) ? value.map(copy) : Object.fromEntries(Object.entries(value).map(([k, v]) => [k, copy(v)]));

function encode(parser, given) {
  let messages;
  new parser.Encoder().encode(copy(given), (made) => (messages = made));
  return messages;
}

function decode(parser, messages) {
  const decoder = new parser.Decoder();
  const decoded = [];
  decoder.on("decoded", (found) => decoded.push(packet(found)));
  for (const message of messages) decoder.add(message);
  if (decoded.length !== 1) throw new Error(`${decoded.length} packets`);
  return decoded[0];
}

const sent = Object.entries(PACKETS).map(([name, given]) => {
  const made = { 2: encode(SOCKET[2], given), 3: encode(SOCKET[3], given) };
  // What the newer one writes is what we write, and both read it.
  for (const parser of Object.values(SOCKET)) {
    const found = JSON.stringify(decode(parser, made[3]));
    if (found !== JSON.stringify(packet(given))) throw new Error(`${name}: ${found}`);
  }
  return { name, packet: packet(given), parser_2: plain(made[2]), parser_3: plain(made[3]) };
});

const asked = ASKED.map((nsp) => {
  const given = { type: CONNECT, nsp };
  return { nsp, messages: [encode(SOCKET[2], given)[0], encode(SOCKET[3], given)[0]] };
});

const as = { message: "4", ping: "2", pong: "3", noop: "6", close: "1" };
const packets = (found) => found.map(({ type, data }) => (Buffer.isBuffer(data) ? plain(data) : as[type] + (data || "")));

const payloads = Object.entries(PAYLOADS).map(([name, given]) => {
  const made = {};
  for (const [number, parser] of Object.entries(ENGINE)) {
    parser.encodePayload(given.map((p) => ({ ...p })), false, (payload) => (made[`text_${number}`] = payload));
    parser.encodePayloadAsBinary(given.map((p) => ({ ...p })), (payload) => (made[`binary_${number}`] = plain(payload)));
  }
  return { name, packets: packets(given), ...made };
});

// Base64 is read by the parsers here as text is: the test writes these, and they say what they read.
const READ = {
  "escapes": '24:42["\\u00fc\\ud83d\\ude00"]1:6',
  "base64": "6:b4AQI=2:4a",
};
const read = Object.entries(READ).map(([name, payload]) => {
  const found = Object.values(ENGINE).map((parser) => {
    const all = [];
    parser.decodePayload(payload, (one) => void all.push(one));
    return packets(all);
  });
  if (JSON.stringify(found[0]) !== JSON.stringify(found[1])) throw new Error(name);
  return { name, payload, packets: found[0] };
});

process.stdout.write(JSON.stringify({ protocol: SOCKET[3].protocol, engine: ENGINE[2].protocol, sent, asked, payloads, read }, null, 1) + "\n");
