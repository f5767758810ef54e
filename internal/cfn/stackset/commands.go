package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

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
  --permission-model SERVICE_MANAGED \
  --auto-deployment Enabled=false --capabilities CAPABILITY_IAM %[8]s \
  --parameters %[9]s
aws cloudformation create-stack-instances --stack-set-name remotion-audit \
  --call-as DELEGATED_ADMIN --regions %[4]s --deployment-targets \
  OrganizationalUnitIds="${ORGANIZATIONAL_UNIT:?set it to a unit such as ou-ab12-cdef3456}"

# Update. Pass all parameters again: an omitted one returns to the template's default.
aws cloudformation update-stack-set --stack-set-name remotion-audit --call-as DELEGATED_ADMIN \
  --capabilities CAPABILITY_IAM %[8]s \
  --parameters %[9]s
`, o.out, size, prefix, strings.Join(o.regions, " "), textfmt.ShellWords(o.zip), o.key, upload,
		template, strings.Join(parameters, " \\\n    "))
	return err
}
