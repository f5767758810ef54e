// The policies that a published @remotion/lambda documents, by its own code, as
// {"user","role","china":{"user","role"}}: the texts its CLI prints, without the line break at their end.
// A release that knows one partition only has no "china".
//
//   node policies.cjs DIR      with the package in DIR/node_modules
//
// The package may be alone: of 300 MB of dependencies, one or none takes part. What is not there is
// stood in for, and if a policy's text turns out to need it, the answer is {"needs":{"name","version"}}.
const Module = require('node:module');
const path = require('node:path');

const root = path.resolve(process.argv[2], 'node_modules', '@remotion', 'lambda');
const manifest = require(path.join(root, 'package.json'));

class Needed extends Error {
	constructor(request) {
		super(`needs ${request}`);
		this.request = request;
	}
}

// standIn is anything at all, until somebody asks for its value.
const standIn = (request) => {
	const asked = () => {
		throw new Needed(request);
	};
	const values = new Set([Symbol.toPrimitive, Symbol.iterator, 'toString', 'valueOf', 'toJSON']);
	const self = new Proxy(function () {}, {
		get: (target, key) => (values.has(key) ? asked() : key === 'prototype' ? target.prototype : self),
		apply: () => self,
		construct: () => self,
		ownKeys: asked,
	});
	return self;
};

const load = Module._load;
Module._load = function (request, ...rest) {
	try {
		return load.call(this, request, ...rest);
	} catch (err) {
		if (err.code !== 'MODULE_NOT_FOUND' || /^[./]/.test(request) || !err.message.includes(`'${request}'`)) {
			throw err;
		}
		return standIn(request);
	}
};

const answer = () => {
	const {getUserPolicy, getRolePolicy} = require(path.join(root, 'dist/api/iam-validation/suggested-policy.js'));
	const both = (options) => ({user: getUserPolicy(options), role: getRolePolicy(options)});
	const aws = both();
	const china = both({partition: 'aws-cn'});
	return china.user === aws.user && china.role === aws.role ? aws : {...aws, china};
};

try {
	console.log(JSON.stringify(answer()));
} catch (err) {
	if (!(err instanceof Needed)) {
		throw err;
	}
	const name = err.request.split('/').slice(0, err.request.startsWith('@') ? 2 : 1).join('/');
	const version = manifest.dependencies?.[name];
	if (!version) {
		throw new Error(`@remotion/lambda ${manifest.version} needs ${name}, and its package.json does not say which`);
	}
	console.log(JSON.stringify({needs: {name, version: version.replace(/^[\^~]/, '')}}));
}
