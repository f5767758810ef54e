// Prepares a Node process that runs a published release of Remotion against the embedded AWS. Load it
// with `node --require`, in a process with Node's permission model.
//
// Remotion's function empties /tmp at each invocation and ignores TMPDIR: on Lambda, /tmp belongs to
// the function. So this process must not be able to write outside its own directory. The process ends
// if it can, and stand-ins.cjs replaces the code that empties /tmp.
//
// Apart from that, this file changes three things:
//   - requests to AWS go to the endpoint in CALLS_ENDPOINT; requests to other hosts fail;
//   - waiting times between a quarter of a second and 20 seconds are a hundredth as long, except
//     time limits;
//   - Chromium, FFmpeg and the bundler are replaced (stand-ins.cjs).
const http = require('node:http');
const https = require('node:https');
const os = require('node:os');
const path = require('node:path');
const {syncBuiltinESMExports} = require('node:module');

const own = process.env.TMPDIR ?? '';
const outside = ['/', '/tmp', path.dirname(own), process.env.CALLS_PACKAGE ?? '/', os.userInfo().homedir];
if (!process.permission || own === '' || outside.some((dir) => process.permission.has('fs.write', dir))) {
	process._rawDebug('hook.cjs: run this process with the permission model of Node and write access to TMPDIR only: Remotion deletes /tmp');
	process.exit(70);
}

const endpoint = new URL(process.env.CALLS_ENDPOINT);

// hostOf returns the host for a request to a host of AWS. The embedded AWS reads a bucket from it.
const hostOf = (name) => {
	const match = /^(?:(.+)\.)?s3[.-][a-z0-9-]+\.amazonaws\.com(\.cn)?$/.exec(name);
	return match?.[1] ? `${match[1]}.localhost:${endpoint.port}` : endpoint.host;
};

const isAWS = (name) => /\.amazonaws\.com(\.cn)?$/.test(name ?? '');

// Each request names the scenario that it belongs to. The endpoint refuses the requests that a function
// still makes after its scenario has ended.
const {AsyncLocalStorage} = require('node:async_hooks');
globalThis.scenario = new AsyncLocalStorage();

const send = http.request;
const redirect = (...args) => {
	const callback = args.find((a) => typeof a === 'function');
	const url = typeof args[0] === 'string' || args[0] instanceof URL ? new URL(args[0]) : null;
	const given = args.find((a) => a && typeof a === 'object' && !(a instanceof URL)) ?? {};
	const from = url
		? {hostname: url.hostname, path: url.pathname + url.search, ...given}
		: {...given, hostname: given.hostname ?? given.host};
	if (!isAWS(from.hostname)) {
		throw new Error(`a request to ${from.hostname}: only AWS can be reached`);
	}
	const headers = {...from.headers};
	for (const name of Object.keys(headers)) {
		if (name.toLowerCase() === 'host') {
			delete headers[name];
		}
	}
	headers.host = hostOf(from.hostname);
	headers['x-scenario'] = globalThis.scenario.getStore() ?? process.env.CALLS_SCENARIO ?? '';
	return send(
		{
			method: from.method,
			path: from.path,
			timeout: from.timeout,
			headers,
			hostname: endpoint.hostname,
			port: endpoint.port,
		},
		callback,
	);
};
https.request = redirect;
https.get = (...args) => {
	const req = redirect(...args);
	req.end();
	return req;
};

// A time limit ends something, such as a connection, and stays as long: the machine may be busy.
const wait = globalThis.setTimeout;
const isLimit = (fn) => /destroy|abort|reject/i.test(String(fn));
const shorter = (fn, ms) => (ms >= 250 && ms <= 20_000 && !isLimit(fn) ? ms / 100 : ms);
globalThis.setTimeout = Object.assign((fn, ms, ...args) => wait(fn, shorter(fn, ms), ...args), wait);

// Remotion looks with a plain request whether anybody can list a bucket, and sends usage data.
globalThis.fetch = async (url) => {
	if (isAWS(new URL(url).hostname)) {
		return new Response('', {status: 403});
	}
	throw new Error(`a request to ${url}: only AWS can be reached`);
};

syncBuiltinESMExports();
globalThis.deployed = require('./stand-ins.cjs').deployed;
