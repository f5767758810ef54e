// Replaces what must not or cannot run on this machine: the code that empties /tmp; the browser,
// rendering and joining of files in @remotion/renderer; the bundler; and, outside of Remotion's command,
// the packages of the command and the Studio.
// None of them calls AWS. What should be written to a file is a short text.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const Module = require('node:module');

const composition = {
	id: 'comp',
	width: 320,
	height: 180,
	fps: 30,
	durationInFrames: 40,
	defaultProps: {},
	props: {},
	defaultCodec: null,
	defaultOutName: null,
	defaultPixelFormat: null,
	defaultProResProfile: null,
	defaultVideoImageFormat: null,
	defaultSampleRate: null,
};

const write = (file, text) => {
	if (typeof file === 'string') {
		fs.mkdirSync(path.dirname(file), {recursive: true});
		fs.writeFileSync(file, text);
	}
};

// content returns the content of a rendered file or of an asset. While the file CALLS_LARGE exists, it
// is so large that it is uploaded in parts.
const content = () => Buffer.alloc(fs.existsSync(process.env.CALLS_LARGE ?? '') ? 6 << 20 : 8, 'x');

const nothingToDo = () => undefined;
const done = () => Promise.resolve();
// anything answers each method with a promise, and each property with an object like itself.
const anything = new Proxy(() => done(), {
	get: (target, key) => (key === 'then' || typeof key === 'symbol' ? undefined : anything),
});
const browser = new Proxy(
	{on: nothingToDo, forgetEventLoop: nothingToDo, rememberEventLoop: nothingToDo, isConnected: () => true},
	{get: (target, key) => target[key] ?? anything[key]},
);

const renderMedia = async (options) => {
	const frames = options.frameRange ? options.frameRange[1] - options.frameRange[0] + 1 : 1;
	options.onStart?.({frameCount: frames, parallelEncoding: false});
	write(options.outputLocation, content());
	write(options.separateAudioTo, content());
	options.onProgress?.({
		renderedFrames: frames,
		encodedFrames: frames,
		encodedDoneIn: 1,
		renderedDoneIn: 1,
		stitchStage: 'muxing',
		progress: 1,
	});
	return {slowestFrames: [], buffer: null, contentType: 'video/mp4'};
};

const combine = async (options) => {
	options.onProgress?.(options.frames ?? 1);
	write(options.outputLocation ?? options.output, content());
};

const renderStill = async (options) => write(options.output, content());

const server = {
	server: {closeServer: done, offthreadPort: 0, serveUrl: 'http://localhost'},
	cleanupServer: done,
};

const rendererInternals = {
	internalOpenBrowser: async () => browser,
	internalSelectComposition: async () => ({metadata: composition, propsSize: 2}),
	internalGetCompositions: async () => [composition],
	internalRenderMedia: renderMedia,
	internalRenderStill: renderStill,
	internalCombineChunks: combine,
	combineChunks: combine,
	combineVideos: combine,
	makeOrReuseServer: async () => server,
	getAvailableMemory: () => 1 << 30,
	ensureLocalBrowser: done,
};

const renderer = {
	openBrowser: async () => browser,
	ensureBrowser: done,
	getCompositions: async () => [composition],
	selectComposition: async () => composition,
	renderMedia,
	renderStill,
};

// deployed returns the code of a deployed function with the stand-ins in the places of the original
// functions, and with another directory in the place of /tmp. The code is one file; bundling has kept
// the names of exports and of the members of RenderInternals.
exports.deployed = (code, dir) => {
	globalThis.standIns = {...renderer, ...rendererInternals};
	const count = {};
	const replace = (name, pattern) => {
		code = code.replace(pattern, (match, before) => {
			count[name] = (count[name] ?? 0) + 1;
			return `${before}globalThis.standIns.${name}`;
		});
	};
	for (const name of Object.keys(rendererInternals)) {
		replace(name, new RegExp(`(\\b${name}: ?)[\\w$]+\\.[\\w$]+`, 'g'));
	}
	for (const name of Object.keys(renderer)) {
		replace(name, new RegExp(`([\\w$]+\\.${name} ?= ?)(?!void\\b)[\\w$]+(?=[;,}])`, 'g'));
	}
	code = code.replace(/(["'])\/tmp\1/g, JSON.stringify(dir));
	const missing = [
		['internalOpenBrowser', 'openBrowser'],
		['internalRenderMedia', 'renderMedia'],
		['internalRenderStill', 'renderStill'],
		['internalCombineChunks', 'combineChunks', 'combineVideos'],
	].filter((names) => !names.some((name) => count[name]));
	if (missing.length > 0 || /["'`]\/tmp["'`]/.test(code)) {
		throw new Error(`the code of the function has another form: ${missing.join('; ')} not found`);
	}
	return code;
};

const over = (real, replaced) =>
	new Proxy(real, {
		get: (target, key) => (Object.hasOwn(replaced, key) ? replaced[key] : target[key]),
	});

// bundle writes the bundle of a site. Its index.html differs each time, as after a change.
let bundles = 0;
const bundle = async () => {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'remotion-audit-site-'));
	bundles++;
	write(path.join(dir, 'index.html'), `<script>window.siteVersion = '11'</script> ${bundles}`);
	write(path.join(dir, 'bundle.js'), 'void 0');
	write(path.join(dir, 'public/movie.mp4'), content());
	return dir;
};

// nothing stands for a package of which only names are used.
const nothing = new Proxy(function () {}, {
	get: (target, key) => (key === 'prototype' ? target.prototype : key === Symbol.toPrimitive ? () => '' : nothing),
	apply: () => nothing,
	construct: () => nothing,
});

const replaced = new Map();
const load = Module._load;
Module._load = function (request, ...rest) {
	if (/clean-tmpdir(\.js)?$/.test(request)) {
		return {deleteTmpDir: nothingToDo, deletedFiles: [], deletedFilesSize: 0};
	}
	if (request === '@remotion/bundler') {
		return {bundle, BundlerInternals: over({internalBundle: bundle}, {})};
	}
	if (!process.env.CALLS_CLI && ['@remotion/cli', '@remotion/studio-server'].includes(request)) {
		return nothing;
	}
	const real = load.call(this, request, ...rest);
	if (request !== '@remotion/renderer') {
		return real;
	}
	if (!replaced.has(real)) {
		replaced.set(real, over(real, {...renderer, RenderInternals: over(real.RenderInternals, rendererInternals)}));
	}
	return replaced.get(real);
};
