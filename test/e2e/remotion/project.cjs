// Prints what Remotion's CLI finds in directories: its root, the installed @remotion/lambda, and the
// variables of .env. Reads a JSON list of directories from the standard input.
const {createRequire} = require('node:module');
const fs = require('node:fs');
const path = require('node:path');

const cli = createRequire(require.resolve('@remotion/cli/package.json'));
const dotenv = cli('dotenv');
const {RenderInternals} = cli('@remotion/renderer');

const directories = JSON.parse(fs.readFileSync(0, 'utf8'));
console.log(JSON.stringify(directories.map((directory) => {
  process.chdir(directory);
  // As in remotion-cli.js, and in dist/lambda-command.js of @remotion/cli.
  const {parsed} = dotenv.config({quiet: true, processEnv: {}});
  const root = RenderInternals.findRemotionRoot();
  let version = '';
  try {
    const entry = require.resolve('@remotion/lambda', {paths: [root]});
    version = JSON.parse(fs.readFileSync(path.join(path.dirname(entry), 'package.json'))).version;
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') {
      throw error;
    }
  }
  return {root, version, variables: parsed || {}};
})));
