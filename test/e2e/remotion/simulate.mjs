// Runs Remotion's published permission check for the principal of the AWS credentials in the
// environment. Prints {"results":[{"name","decision"}],"ms"}: the verdicts in Remotion's order, and the
// duration of the check without starting Node and loading the package.
//
//   node simulate.mjs [region]
import {simulatePermissions} from '@remotion/lambda';

const limit = 120_000;
setTimeout(() => {
	console.error(`simulatePermissions() did not end within ${limit / 1000} s`);
	process.exit(1);
}, limit).unref();

const region = process.argv[2] ?? process.env.AWS_REGION ?? 'us-east-1';
const results = [];
const started = performance.now();
await simulatePermissions({
	region,
	onSimulation: ({name, decision}) => results.push({name, decision}),
});
const ms = performance.now() - started;
console.log(JSON.stringify({results, ms}));
