// Decides cases of the corpus with @cloud-copilot/iam-simulate. Reads {"cases", "timed", "times"} on stdin and prints
// {"decisions", "nanoseconds"}: a decision for each case in the simulator's words, or "error: …", and the duration of one
// evaluation of the case "timed". The case runs "times" times to warm up and "times" times to measure.
import {runUnsafeSimulation} from '@cloud-copilot/iam-simulate';
import {readFileSync} from 'node:fs';
import {runInThisContext} from 'node:vm';

const words = {Allowed: 'allowed', ExplicitlyDenied: 'explicitDeny', ImplicitlyDenied: 'implicitDeny'};
const account = '123456789012';

const policies = (documents, prefix) =>
	documents.map((d, i) => ({name: `${prefix}.${i + 1}`, policy: typeof d === 'string' ? JSON.parse(d) : d}));

const simulation = (c) => ({
	request: {
		principal: `arn:aws:iam::${account}:user/remotion-user`,
		action: c.action,
		resource: {resource: c.resource, accountId: account},
		contextVariables: c.context ?? {},
	},
	identityPolicies: policies(c.identity ?? [], 'PolicyInputList'),
	permissionBoundaryPolicies: c.boundary ? policies([c.boundary], 'PermissionsBoundaryPolicyInputList') : undefined,
	serviceControlPolicies: (c.organization ?? []).map((level, i) => ({
		orgIdentifier: `level ${i + 1}`,
		policies: policies(level, `OrderedOrganizationPolicyInputList.${i + 1}`),
	})),
	resourceControlPolicies: [],
});

// Its regular expressions backtrack: a*a*a*…b would not end. The limit is in milliseconds.
const limit = 5000;

const decide = (c) => {
	try {
		globalThis.run = () => runUnsafeSimulation(simulation(c), {});
		return words[runInThisContext('run()', {timeout: limit})];
	} catch (e) {
		return `error: ${e.message}`;
	}
};

const {cases = [], timed, times = 0} = JSON.parse(readFileSync(0, 'utf8'));
const decisions = cases.map(decide);
let nanoseconds = 0;
if (timed) {
	const s = simulation(timed);
	const run = (n) => {
		for (let i = 0; i < n; i++) runUnsafeSimulation(s, {});
	};
	run(times); // warm up the compiler
	const started = process.hrtime.bigint();
	run(times);
	nanoseconds = Number(process.hrtime.bigint() - started) / times;
}
console.log(JSON.stringify({decisions, nanoseconds}));
