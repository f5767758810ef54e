// Prints the policies that a published @remotion/lambda documents, by running its code:
// {"user","role","china":{"user","role"}}. These are the texts that its CLI prints, without the final
// line break. A release that supports only one partition has no "china".
//
//   node policies.cjs DIR      with the package in DIR/node_modules
//
// The dependencies of the package (300 MB) can be missing: the policies use at most one of them. A
// stand-in replaces each missing dependency. If the text of a policy needs its value, the script prints
// {"needs":{"name","version"}} instead.
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

// standIn returns an object that accepts every property access and call. It throws Needed when the
// package uses its value.
const standIn = (request) => {
	const throwNeeded = () => {
		throw new Needed(request);
	};
	const values = new Set([Symbol.toPrimitive, Symbol.iterator, 'toString', 'valueOf', 'toJSON']);
	const self = new Proxy(function () {}, {
		get: (target, key) => (values.has(key) ? throwNeeded() : key === 'prototype' ? target.prototype : self),
		apply: () => self,
		construct: () => self,
		ownKeys: throwNeeded,
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

const documents = () => {
	const {getUserPolicy, getRolePolicy} = require(path.join(root, 'dist/api/iam-validation/suggested-policy.js'));
	const both = (options) => ({user: getUserPolicy(options), role: getRolePolicy(options)});
	const aws = both();
	const china = both({partition: 'aws-cn'});
	return china.user === aws.user && china.role === aws.role ? aws : {...aws, china};
};

try {
	console.log(JSON.stringify(documents()));
} catch (err) {
	if (!(err instanceof Needed)) {
		throw err;
	}
	const name = err.request.split('/').slice(0, err.request.startsWith('@') ? 2 : 1).join('/');
	const version = manifest.dependencies?.[name];
	if (!version) {
		throw new Error(`@remotion/lambda ${manifest.version} needs ${name}, which its package.json does not list`);
	}
	console.log(JSON.stringify({needs: {name, version: version.replace(/^[\^~]/, '')}}));
}
