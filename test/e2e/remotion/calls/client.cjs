// Runs exported functions of a published @remotion/lambda, as a user of the package does. It reads one
// JSON document a line, {"name","input","scenario"}, and prints one a line: {"ok","missing","value","error",
// "warned"}. `missing` means that the release does not export the function, and `warned` lists what the
// function printed as a warning or an error.
//
//   CALLS_PACKAGE=DIR node --require ./hook.cjs client.cjs
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');

const output = process.stdout.write.bind(process.stdout);
process.stdout.write = () => true;
let warned = [];
for (const level of ['warn', 'error']) {
	console[level] = (...args) => warned.push(args.map(String).join(' '));
}

// Some functions are exported by @remotion/lambda-client only, which older releases do not have. Node
// would then find that of another release in a directory above.
const lambda = {...require(process.env.CALLS_PACKAGE)};
const client = path.join(process.env.CALLS_PACKAGE, '..', 'lambda-client');
if (fs.existsSync(client)) {
	Object.assign(lambda, require(client));
}

// plain returns a value as JSON can hold it, or null.
const plain = (value) => {
	try {
		return JSON.parse(JSON.stringify(value ?? null));
	} catch {
		return null;
	}
};

const lines = readline.createInterface({input: process.stdin});
lines.on('line', async (line) => {
	const {name, input, scenario} = JSON.parse(line);
	warned = [];
	let answer = {ok: false, missing: true};
	if (typeof lambda[name] === 'function') {
		try {
			answer = {ok: true, value: plain(await globalThis.scenario.run(scenario, () => lambda[name](input)))};
		} catch (err) {
			answer = {ok: false, error: String(err?.stack ?? err)};
		}
	}
	output(JSON.stringify({...answer, warned}) + '\n');
});
lines.on('close', () => process.exit(0));
output('{"ok":true}\n');
