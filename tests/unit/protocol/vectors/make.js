// Writes what the official socket.io-parser makes of packets and of texts:
//
//     cd tests/unit/protocol/vectors && node make.js > v5.json
//
// The parser is the one that tests/integration/package.json names; `make setup` installs it.
// A binary value is written as {"$base64": "..."}.
"use strict";

const { createRequire } = require("node:module");
const { join } = require("node:path");

const needed = createRequire(join(__dirname, "../../../integration/package.json"));
const { Decoder, Encoder, PacketType, protocol } = needed("socket.io-parser");

const bytes = (...values) => Buffer.from(values);
const event = (...data) => ({ type: PacketType.EVENT, nsp: "/", data });
const TEXTS = [
  "", "text", "é ü ß", "e\u0301", "😀👩‍👩‍👧", "\u2028\u2029", "a\u0000b", "\u0001\u001e\u001f\u007f\u0080", '"\\/\b\f\n\r\t',
  "\ufeff", "\uffff", "</script>&'", "日本語", "العربية",
];

const ENCODED = {
  "connect": { type: PacketType.CONNECT, nsp: "/" },
  "connect to a namespace": { type: PacketType.CONNECT, nsp: "/chat" },
  "connect with a sid": { type: PacketType.CONNECT, nsp: "/", data: { sid: "oSO0OpakMV_3jnilAAAA" } },
  "connect to a namespace with a sid": { type: PacketType.CONNECT, nsp: "/chat", data: { sid: "x" } },
  "connect with an empty object": { type: PacketType.CONNECT, nsp: "/", data: {} },
  "disconnect": { type: PacketType.DISCONNECT, nsp: "/" },
  "disconnect from a namespace": { type: PacketType.DISCONNECT, nsp: "/chat" },
  "connect error": { type: PacketType.CONNECT_ERROR, nsp: "/", data: { message: "Not authorized" } },
  "connect error with data": { type: PacketType.CONNECT_ERROR, nsp: "/chat", data: { message: "no", data: { code: 7 } } },
  "event without arguments": event("hi"),
  "event to a namespace": { ...event("hi", 1), nsp: "/chat" },
  "event to a long namespace": { ...event("hi"), nsp: "/a/b-c_d.e" },
  "event with id 0": { ...event("hi"), id: 0 },
  "event with an id": { ...event("hi", 1), id: 123 },
  "event with an id to a namespace": { ...event("hi", 1), nsp: "/chat", id: 456 },
  "event with every type": event("types", null, true, false, 0, -1, 1.5, 123456789012, "x", [], {}, [[1, [2]]], { a: { b: [null] } }),
  "event with every text": event("texts", ...TEXTS),
  "event with every text as a key": event("keys", Object.fromEntries(TEXTS.map((text, i) => [text, i]))),
  "event with an odd name": event("with spaces, [brackets] and 😀"),
  "event with an empty name": event(""),
  "event with something like a placeholder": event("x", { _placeholder: false, num: 0 }),
  "ack without arguments": { type: PacketType.ACK, nsp: "/", id: 0, data: [] },
  "ack with one": { type: PacketType.ACK, nsp: "/", id: 12, data: [1] },
  "ack with several to a namespace": { type: PacketType.ACK, nsp: "/chat", id: 1, data: ["a", { b: "ü" }, null] },
  "binary event": event("b", bytes(1, 2, 3)),
  "binary event with an empty buffer": event("b", bytes()),
  "binary event to a namespace with an id": { ...event("b", bytes(0, 255)), nsp: "/chat", id: 7 },
  "binary event, nested": event("b", { a: [bytes(1), { c: bytes(2) }], d: "x" }, [[bytes(3)]], 4),
  "binary event with many attachments": event("b", ...Array.from({ length: 10 }, (_, i) => bytes(i))),
  "binary event with every byte": event("b", Buffer.from(Array.from({ length: 256 }, (_, i) => i))),
  "binary ack": { type: PacketType.ACK, nsp: "/", id: 3, data: [bytes(9)] },
  "binary ack to a namespace": { type: PacketType.ACK, nsp: "/chat", id: 30, data: ["x", { y: bytes(9, 8) }] },
};

// Texts that no encoder of today writes, and that are read all the same.
const READ = {
  "connect with auth": ['0{"token":"123","nested":[{}]}'],
  "connect to a namespace without a comma": ["0/chat"],
  "connect to a namespace with a query": ["0/chat?token=x,"],
  "disconnect without a comma": ["1/chat"],
  "connect error with a text": ['4"Not authorized"'],
  "event with a number for a name": ["2[5,1]"],
  "event with white space in its JSON": ['2[ "a" ,\t{ "b" : 1 } ]\n'],
  "event with escapes": ['2["\\u0061\\ud83d\\ude00\\u0000\\/"]'],
  "event with half a character": ['2["a","\\ud83d!"]'],
  "event with a number in an exponent": ['2["a",1e3,1E-2,-0.5e+1]'],
  "event with a key twice": ['2["a",{"b":1,"b":2}]'],
  "event with the key __proto__": ['2["a",{"__proto__x":1,"constructor":2}]'],
  "event with leading zeros in its id": ['2007["a"]'],
  "event to a namespace whose name looks like an id": ['2/1,2["a"]'],
  "binary event with its attachments the other way round": ['52-["b",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]', bytes(0), bytes(1)],
  "binary event with one attachment in two places": ['51-["b",{"_placeholder":true,"num":0},[{"num":0,"_placeholder":true}]]', bytes(5)],
  "binary event with more attachments than places": ['52-["b",{"_placeholder":true,"num":0}]', bytes(0), bytes(1)],
  // What the parser passes on, and we do not: see STRICTER and DIFFERENT in test_vectors.py.
  "nothing": [""],
  "event without a payload": ["2"],
  "event to a namespace without a payload": ["2/chat,"],
  "event whose namespace has no comma": ['2/chat["a"]'],
  "ack without a payload": ["31"],
  "ack without an id": ["3[]"],
  "connect error without a payload": ["4"],
  "id of 16 digits": ['21234567890123456["a"]'],
  "id of white space": ['2 ["a"]'],
  "attachments in an exponent": ['51e0-["b",{"_placeholder":true,"num":0}]', bytes(1)],
  "attachments in hexadecimal": ['50x1-["b",{"_placeholder":true,"num":0}]', bytes(1)],
  "attachments with a sign": ['5+1-["b",{"_placeholder":true,"num":0}]', bytes(1)],
  "attachments with a point": ['51.0-["b",{"_placeholder":true,"num":0}]', bytes(1)],
};

const REFUSED = {
  "unknown type 7": ['7["a"]'],
  "unknown type 9": ["9"],
  "letters": ["hello"],
  "connect with a list": ["0[]"],
  "connect with a text": ['0"x"'],
  "connect with null": ["0null"],
  "connect with bad JSON": ["0{"],
  "disconnect with a payload": ["1{}"],
  "disconnect with a list": ["1/chat,[]"],
  "connect error with a list": ["4[]"],
  "connect error with a number": ["4/chat,true"],
  "event with an object": ["2{}"],
  "event with a text": ['2"a"'],
  "event with an empty list": ["2[]"],
  "event with null for a name": ["2[null]"],
  "event with true for a name": ["2[true]"],
  "event with a list for a name": ['2[["a"]]'],
  "event with an object for a name": ["2[{}]"],
  "event with bad JSON": ['2["a"'],
  "event with JSON that goes on": ['2["a"]]'],
  "event with NaN": ['2["a",NaN]'],
  "event with Infinity": ['2["a",Infinity]'],
  "event with a comma at the end": ['2["a",]'],
  "event in single quotes": ["2['a']"],
  "event with a raw new line in a text": ['2["a\n"]'],
  "event with a number that begins with 0": ['2["a",01]'],
  "event with a bad escape": ['2["\\x61"]'],
  "event connect": ['2["connect"]'],
  "event connect_error": ['2["connect_error"]'],
  "event disconnect": ['2["disconnect","x"]'],
  "event disconnecting": ['2/chat,1["disconnecting"]'],
  "event newListener": ['2["newListener"]'],
  "event removeListener": ['2["removeListener"]'],
  "binary event connect": ['51-["connect"]'],
  "ack with an object": ["31{}"],
  "ack with bad JSON": ["31["],
  "no number of attachments": ['5["a"]'],
  "no dash after the attachments": ["51"],
  "nothing before the dash": ['5-["a"]'],
  "no attachments": ['50-["a"]'],
  "fewer than no attachments": ['5-1-["a"]'],
  "half an attachment": ['51.5-["a"]'],
  "attachments in letters": ['5x-["a"]'],
  "too many attachments": ['511-["a"]'],
  "far too many attachments": ['59999999999-["a"]'],
  "binary ack with too many attachments": ["611-1[]"],
  "binary event with an object": ["51-{}"],
  "attachment without a packet": [bytes(1)],
  "attachment after a packet": ['2["a"]', bytes(1)],
  "text instead of an attachment": ['51-["b",{"_placeholder":true,"num":0}]', '2["a"]'],
  "placeholder beyond the attachments": ['51-["b",{"_placeholder":true,"num":1}]', bytes(1)],
  "placeholder below zero": ['51-["b",{"_placeholder":true,"num":-1}]', bytes(1)],
  "placeholder of a text": ['51-["b",{"_placeholder":true,"num":"0"}]', bytes(1)],
  "placeholder without a number": ['51-["b",{"_placeholder":true}]', bytes(1)],
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
  return { type: PacketType[type], path: nsp, data: data === undefined ? null : plain(data), id: id === undefined ? null : id };
}

function decode(messages) {
  const decoder = new Decoder();
  const decoded = [];
  decoder.on("decoded", (found) => decoded.push(packet(found)));
  for (const message of messages) decoder.add(message);
  if (decoded.length !== 1) throw new Error(`${decoded.length} packets`);
  return decoded[0];
}

function refusal(messages) {
  try {
    decode(messages);
  } catch (error) {
    return error.message;
  }
  throw new Error(`the parser takes ${messages}`);
}

const written = Object.entries(ENCODED).map(([name, given]) => {
  const expected = packet(given); // before the encoder takes its buffers out
  const messages = new Encoder().encode(given);
  return { name, packet: expected, messages: plain(messages), decoded: decode(messages) };
});
const read = Object.entries(READ).map(([name, messages]) => ({ name, messages: plain(messages), decoded: decode(messages) }));
const refused = Object.entries(REFUSED).map(([name, messages]) => ({ name, messages: plain(messages), error: refusal(messages) }));

const version = needed("./package.json").dependencies["socket.io-parser"];
process.stdout.write(JSON.stringify({ parser: version, protocol, written, read, refused }, null, 1) + "\n");
