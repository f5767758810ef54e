#!/usr/bin/env node
'use strict';

// Runs the binary of this platform, which is in a package of its own: an optional dependency, of
// which npm installs the one whose "os" and "cpu" fit.

const {spawn} = require('node:child_process');
const fs = require('node:fs');
const {constants} = require('node:os');
const path = require('node:path');

const STATUS_ERROR = 2; // of remotion-audit, for every error

const prefix = 'remotion-audit-';
const platform = `${process.platform}-${process.arch}`;
const packages = Object.keys(require('../package.json').optionalDependencies);

function fail(lines) {
  // process.exit drops what a stream has not written yet.
  fs.writeSync(2, lines.map((line) => `remotion-audit: ${line}\n`).join(''));
  process.exit(STATUS_ERROR);
}

// directoryOf returns the directory of an installed package, or null.
function directoryOf(name) {
  try {
    return path.dirname(require.resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}

function explainMissing() {
  const supported = packages.map((name) => name.slice(prefix.length));
  if (!supported.includes(platform)) {
    fail([
      `${platform} is not supported: there are binaries for ${supported.join(', ')}`,
      'build it from the sources with Go instead',
    ]);
  }
  const others = packages.filter((name) => directoryOf(name) !== null);
  if (others.length > 0) {
    fail([
      `the package ${prefix}${platform} is missing, but ${others.join(' and ')} is installed`,
      'node_modules or the lock file was made on another platform: remove node_modules and install again here',
      'if it is still missing, the lock file has only one platform: remove it, too, and install again',
    ]);
  }
  fail([
    `the package ${prefix}${platform} is missing: optional dependencies were left out`,
    'install without --omit=optional, --no-optional and omit=optional in .npmrc',
    'if that was not the cause, the lock file lacks this platform: remove it and node_modules, and install again',
  ]);
}

const directory = directoryOf(prefix + platform);
if (directory === null) {
  explainMissing();
}
const binary = path.join(directory, 'bin',
  process.platform === 'win32' ? 'remotion-audit.exe' : 'remotion-audit');

const child = spawn(binary, process.argv.slice(2), {stdio: 'inherit'});

// Each handler keeps this process alive until the child has ended. On Windows, kill would end the
// child at once, and the console sends Ctrl-C to the child, too.
const handlers = {};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  handlers[signal] = () => {
    if (process.platform !== 'win32') {
      child.kill(signal);
    }
  };
  process.on(signal, handlers[signal]);
}

child.on('error', (error) => {
  fail([
    `${binary} cannot be run: ${error.message}`,
    'remove node_modules and install again; a binary needs the permission to be executed',
  ]);
});

child.on('exit', (status, signal) => {
  if (signal === null) {
    process.exit(status);
  }
  for (const name of Object.keys(handlers)) {
    process.removeListener(name, handlers[name]);
  }
  // If the signal does not end this process, its status says what ended the child.
  process.exitCode = 128 + constants.signals[signal];
  process.kill(process.pid, signal);
});
