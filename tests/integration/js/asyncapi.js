// Is a file an AsyncAPI document, and is what it says true? asyncapi.js DOCUMENT [EXAMPLES]
//
// EXAMPLES: a JSON object of payloads that were seen, lists of them by `<channel>/<message>`.

const fs = require("fs");
const { Parser } = require("@asyncapi/parser");
const Ajv = require("ajv");

const [file, examples] = process.argv.slice(2);
const ERROR = 0;

async function main() {
  const { document, diagnostics } = await new Parser().parse(fs.readFileSync(file, "utf8"));
  const wrong = diagnostics.filter(({ severity }) => severity === ERROR);
  for (const { path, message } of wrong) console.error(`${path.join(".")}: ${message}`);
  if (!document || wrong.length) process.exit(1);
  console.log(`${document.operations().all().length} operations`);
  if (examples) compare(document, JSON.parse(fs.readFileSync(examples, "utf8")));
}

function compare(document, seen) {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const [name, payloads] of Object.entries(seen)) {
    const [channel, message] = name.split("/");
    const payload = document.channels().get(channel).messages().get(message).payload().json();
    const fits = ajv.compile(JSON.parse(JSON.stringify(payload)));
    for (const each of payloads) {
      if (!fits(each)) {
        console.error(`${name}: ${JSON.stringify(each)} ${ajv.errorsText(fits.errors)}`);
        process.exit(1);
      }
    }
  }
  console.log(`${Object.values(seen).flat().length} payloads`);
}

main();
