// The scenarios in a browser's page: `runInPage` gives them what they need of Node, by its names.
"use strict";

const MOST = 250_000; // milliseconds for a scenario, whatever it waits for

/** What a scenario reports. */
// eslint-disable-next-line no-unused-vars
function runInPage({ sources, script, version, args }) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`the scenario takes more than ${MOST / 1000} s`)), MOST);
    addEventListener("error", ({ message, error }) => reject(error || new Error(message)));
    addEventListener("unhandledrejection", ({ reason }) => reject(reason));

    const shared = {
      "node:assert": assert,
      "./host.js": {
        address: addressOfItsOwn,
        load: () => ({ io: window.io, version }),
        report: resolve,
        start: (scenario) => scenario(...args).catch(reject),
      },
    };

    function require(name) {
      if (!(name in shared)) {
        const module = { exports: {} };
        const run = new Function("require", "module", "process", "Buffer", sources[name]);
        run(require, module, { pid: `page-${Math.random()}` }, Bytes);
        shared[name] = module.exports;
      }
      return shared[name];
    }

    require(script);
  });
}

/** Browsers have six connections to one host, of which a polling client takes up to two. */
function addressOfItsOwn(url, count) {
  if (count === 0) return url; // that of the page; the others are from another origin, too
  const other = new URL(url);
  other.hostname = `p${count}.localhost`;
  return other.origin;
}

/** Binary as browsers have it, made as Node's Buffer is. */
const Bytes = {
  from: (data) => (typeof data === "string" ? new TextEncoder().encode(data) : Uint8Array.from(data)).buffer,
  alloc(size, fill = 0) {
    const pattern = typeof fill === "string" ? new TextEncoder().encode(fill) : [fill];
    return Uint8Array.from({ length: size }, (_, i) => pattern[i % pattern.length]).buffer;
  },
};

function assert(holds, what = "it does not hold") {
  if (!holds) throw new Error(what);
}

assert.strictEqual = (actual, expected, what = `${actual}, expected ${expected}`) => assert(Object.is(actual, expected), what);

assert.deepStrictEqual = (actual, expected, what = "") => {
  const [found, wanted] = [shown(actual), shown(expected)];
  if (found !== wanted) throw new Error(`${what} ${found.slice(0, 1000)}, expected ${wanted.slice(0, 1000)}`);
};

/** A value as a text that is the same for equal values only. */
function shown(value) {
  if (value instanceof ArrayBuffer) return `<${Array.from(new Uint8Array(value), (byte) => byte.toString(16).padStart(2, "0")).join("")}>`;
  if (Array.isArray(value)) return `[${Array.from(value, shown)}]`;
  if (value === null || typeof value !== "object") return typeof value === "string" ? JSON.stringify(value) : String(value);
  if (![Object.prototype, null].includes(Object.getPrototypeOf(value))) return Object.prototype.toString.call(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${shown(value[key])}`)}}`;
}
