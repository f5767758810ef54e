package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// unitsPerCall is the number of organizational units in one call.
const unitsPerCall = 50

// preferences is a shell assignment with the preferences of an operation. By default,
// CloudFormation deploys one account at a time and stops at the first failure. The soft tolerance
// keeps the concurrency when some accounts fail.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackSetOperationPreferences.html
const preferences = "preferences=RegionConcurrencyType=PARALLEL,MaxConcurrentPercentage=25," +
	"FailureTolerancePercentage=10,ConcurrencyMode=SOFT_FAILURE_TOLERANCE"

// commands writes the deployment commands to w, as a shell script that users paste piece by piece.
// size is the size of the template in bytes.
func commands(w io.Writer, o options, size int) error {
	upload, template := "", "--template-body file://"+textfmt.ShellWords(o.out)
	if size > maxBody {
		// The template is too large for a call, so it goes into the bucket of the code.
		key := strings.TrimSuffix(o.key, ".zip") + ".template.json"
		upload = fmt.Sprintf("aws s3 cp %s \"s3://$CODE_BUCKET_PREFIX-%s/%s\" --region %s\n",
			textfmt.ShellWords(o.out), o.regions[0], key, o.regions[0])
		domain := "amazonaws.com"
		if strings.HasPrefix(o.regions[0], "cn-") {
			domain += ".cn"
		}
		template = fmt.Sprintf(`--template-url "https://$CODE_BUCKET_PREFIX-%s.s3.%s.%s/%s"`,
			o.regions[0], o.regions[0], domain, key)
	}
	parameters := []string{
		`"ParameterKey=` + paramPrefix + `,ParameterValue=$CODE_BUCKET_PREFIX"`,
		textfmt.ShellWords("ParameterKey=" + paramKey + ",ParameterValue=" + o.key),
	}
	for _, name := range slices.Sorted(maps.Keys(o.parameters)) {
		// Without quotes, the AWS CLI would end the value at a comma.
		value := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(o.parameters[name])
		parameters = append(parameters,
			textfmt.ShellWords(fmt.Sprintf(`ParameterKey=%s,ParameterValue="%s"`, name, value)))
	}
	prefix := `: "${CODE_BUCKET_PREFIX:?set it to the prefix of your bucket names}"`
	if o.prefix != "" {
		prefix = "CODE_BUCKET_PREFIX=" + textfmt.ShellWords(o.prefix)
	}
	_, err := fmt.Fprintf(w,
		`# Template: %[1]s (%[2]d bytes).
# Run these commands in the administrator's account of the stack set: docs/organizations.md.
%[3]s

# Upload the code to the bucket of each region.
for region in %[4]s; do
  aws s3 cp %[5]s "s3://$CODE_BUCKET_PREFIX-$region/%[6]s" --region "$region"
done
%[7]s
# First deployment. In the organization's management account, omit --call-as.
aws cloudformation create-stack-set --stack-set-name remotion-audit --call-as DELEGATED_ADMIN \
  --permission-model SERVICE_MANAGED --managed-execution Active=true \
  --auto-deployment Enabled=false --capabilities CAPABILITY_IAM %[8]s \
  --parameters %[9]s

# Deploy to the accounts of the units, %[10]d units a call. Managed execution queues the calls.
: "${ORGANIZATIONAL_UNITS:?set it to units such as 'ou-ab12-cdef3456 ou-ab12-78901234'}"
%[11]s
read -r -a units <<<"$ORGANIZATIONAL_UNITS"
for ((i = 0; i < ${#units[@]}; i += %[10]d)); do
  aws cloudformation create-stack-instances --stack-set-name remotion-audit \
    --call-as DELEGATED_ADMIN --regions %[4]s --operation-preferences "$preferences" \
    --deployment-targets OrganizationalUnitIds="$(IFS=,; echo "${units[*]:i:%[10]d}")"
done

# Update. Pass all parameters again: an omitted one returns to the template's default.
%[11]s
aws cloudformation update-stack-set --stack-set-name remotion-audit --call-as DELEGATED_ADMIN \
  --managed-execution Active=true --operation-preferences "$preferences" \
  --capabilities CAPABILITY_IAM %[8]s \
  --parameters %[9]s
`, o.out, size, prefix, strings.Join(o.regions, " "), textfmt.ShellWords(o.zip), o.key, upload,
		template, strings.Join(parameters, " \\\n    "), unitsPerCall, preferences)
	return err
}
