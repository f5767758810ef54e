// Runs the handler of the function of a published @remotion/lambda, as Lambda does. It serves POST / on
// a loopback port, which it prints: the body is the event, and the reply is that of the handler. A
// handler that fails answers 500 with the text of the error.
//
// The code is the file that the package deploys. stand-ins.cjs replaces parts of it.
//
//   node --require ./hook.cjs function.cjs CODE
const http = require('node:http');
const fs = require('node:fs');
const Module = require('node:module');
const os = require('node:os');
const path = require('node:path');
const {Writable} = require('node:stream');

const output = process.stdout.write.bind(process.stdout);
process.stdout.write = () => true;
process.stderr.write = () => true;

globalThis.awslambda = {streamifyResponse: (handler) => Object.assign(handler, {streams: true})};
const file = path.resolve(process.argv[2]);
const loaded = new Module(file);
loaded.paths = [];
// This process runs several invocations at a time, for which Lambda starts several instances. So the
// directory that stands for /tmp is not the one with the files of the renders.
const empty = fs.mkdtempSync(path.join(os.tmpdir(), 'empty-'));
loaded._compile(globalThis.deployed(fs.readFileSync(file, 'utf8'), empty), file);
const {handler} = loaded.exports;

const run = async (event, arn) => {
	const context = {
		invokedFunctionArn: arn,
		awsRequestId: '00000000-0000-4000-8000-000000000000',
		getRemainingTimeInMillis: () => 120_000,
	};
	if (!handler.streams) {
		return Buffer.from(JSON.stringify((await handler(event, context)) ?? null));
	}
	const parts = [];
	const stream = new Writable({
		write: (chunk, _, done) => {
			parts.push(Buffer.from(chunk));
			done();
		},
	});
	stream.setContentType = () => undefined;
	await handler(event, stream, context);
	return Buffer.concat(parts);
};

const server = http.createServer(async (req, res) => {
	const parts = [];
	for await (const part of req) {
		parts.push(part);
	}
	try {
		const event = JSON.parse(Buffer.concat(parts));
		const reply = await globalThis.scenario.run(req.headers['x-scenario'], () =>
			run(event, req.headers['x-function-arn']),
		);
		res.writeHead(200).end(reply);
	} catch (err) {
		res.writeHead(500).end(String(err?.stack ?? err));
	}
});
// A promise of Remotion that is rejected after its reply does not end the instance of the function.
process.on('unhandledRejection', () => undefined);
process.stdin.on('end', () => process.exit(0)).resume();
server.listen(0, '127.0.0.1', () => output(`${server.address().port}\n`));
