// What the scenarios need of Node; in a browser, page.js gives them the same.
"use strict";

const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");

/** A client package by its name in package.json, and behind a `+` the name of a parser for it. */
function load(kind) {
  const [client, parser] = kind.split("+");
  const { version } = JSON.parse(readFileSync(join(__dirname, "../node_modules", client, "package.json")));
  const io = require(client);
  if (version.startsWith("1.3.")) hidePools(client);
  return { io, version, parser: parser && require(`socket.io-${parser}-parser`) };
}

/** 1.3.x takes the whole pool in which today's Node keeps a small Buffer for the Buffer itself. */
function hidePools(client) {
  const engine = createRequire(require.resolve(client)).resolve("engine.io-client");
  const parser = createRequire(engine)("engine.io-parser");
  for (const name of ["encodePacket", "encodeBase64Packet"]) {
    const encode = parser[name];
    parser[name] = ({ type, data }, ...rest) => {
      if (Buffer.isBuffer(data)) data = Object.defineProperty(Buffer.from(data), "buffer", { value: undefined });
      return encode({ type, data }, ...rest);
    };
  }
}

/** Where a client connects to, of which there are so many already: to several servers by turns. */
function address(url, count) {
  const urls = url.split(",");
  return urls[count % urls.length];
}

/** One line of JSON for the test that started the scenario. */
function report(value) {
  process.stdout.write(JSON.stringify(value) + "\n");
}

/** Run a scenario with the arguments of the command; it exits non-zero and says why when it fails. */
function start(scenario) {
  const fail = (error) => {
    process.stderr.write(`${(error && error.stack) || error}\n`);
    process.exit(1);
  };
  process.on("uncaughtException", fail);
  process.on("unhandledRejection", fail);
  process.on("beforeExit", () => fail("the scenario waits for what nothing can bring any more"));
  scenario(...process.argv.slice(2)).then(() => process.exit(0), fail);
}

module.exports = { address, load, report, start };
