// Parses texts with the dotenv that Remotion's CLI loads. Reads a JSON list of texts from the
// standard input, and prints the list of their variables.
const {createRequire} = require('node:module');

const dotenv = createRequire(require.resolve('@remotion/cli/package.json'))('dotenv');
const texts = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(texts.map((text) => dotenv.parse(text))));
