// Prints the violations of Control Tower's proactive rules in the templates at the given paths.
const { CfnGuardValidator } = require("@cdklabs/cdk-validator-cfnguard/lib/plugin.js");

const validator = new CfnGuardValidator({ maxBuffer: 1 << 26 });
const report = validator.validate({ templatePaths: process.argv.slice(2) });
console.log(
  JSON.stringify({
    rules: validator.ruleIds.length,
    violations: report.violations.map((v) => ({
      rule: v.ruleName,
      description: v.description,
      // A violation without resource has no name; another entry of the list has one.
      resources: v.violatingResources.map((r) => r.resourceLogicalId).filter(Boolean),
    })),
  }),
);
