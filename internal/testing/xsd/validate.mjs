// Validates the XML documents of standard input with a schema, and prints the errors as JSON.
import { readFileSync } from "node:fs";
import { validateXML } from "xmllint-wasm";

const { schema, documents } = JSON.parse(readFileSync(0, "utf8"));
const errors = [];
for (const contents of documents) {
  const result = await validateXML({ xml: { fileName: "a.xml", contents }, schema });
  errors.push(result.valid ? "" : result.errors.map((e) => e.rawMessage).join("\n") || result.rawOutput);
}
console.log(JSON.stringify({ errors }));
