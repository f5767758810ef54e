// Prints the frames of each function of default renders, by running the code of a Remotion release:
// for an input of [first, last], a list with one number for each number of frames.
//
//   node frames.cjs FILE      with the module of the formula in FILE
//
// A stand-in replaces the package remotion, of which the formula uses interpolate() with two points.
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const interpolate = (value, [from, to], [low, high]) =>
	low + ((Math.min(value, to) - from) / (to - from)) * (high - low);

const load = Module._load;
Module._load = function (request, ...rest) {
	return request.split('/')[0] === 'remotion' ? {interpolate} : load.call(this, request, ...rest);
};

const formula = Object.values(require(path.resolve(process.argv[2])))[0];
const [first, last] = JSON.parse(fs.readFileSync(0, 'utf8'));
const frames = [];
for (let count = first; count <= last; count++) {
	frames.push(formula(count));
}
process.stdout.write(JSON.stringify(frames));
