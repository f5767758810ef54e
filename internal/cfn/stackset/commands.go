package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// commands prints what is to be done, as a shell script that can be read and pasted piece by piece.
// The template has size bytes.
func commands(w io.Writer, o options, size int) error {
	upload, template := "", "--template-body file://"+quote(o.out)
	if size > maxBody {
		// Too large for a call: it has to lie in a bucket, and S3 keeps the code anyway.
		key := strings.TrimSuffix(o.key, ".zip") + ".template.json"
		upload = fmt.Sprintf("aws s3 cp %s \"s3://$CODE_BUCKET_PREFIX-%s/%s\" --region %s\n",
			quote(o.out), o.regions[0], key, o.regions[0])
		domain := "amazonaws.com"
		if strings.HasPrefix(o.regions[0], "cn-") {
			domain += ".cn"
		}
		template = fmt.Sprintf(`--template-url "https://$CODE_BUCKET_PREFIX-%s.s3.%s.%s/%s"`,
			o.regions[0], o.regions[0], domain, key)
	}
	parameters := []string{
		`"ParameterKey=` + paramPrefix + `,ParameterValue=$CODE_BUCKET_PREFIX"`,
		quote("ParameterKey=" + paramKey + ",ParameterValue=" + o.key),
	}
	for _, name := range slices.Sorted(maps.Keys(o.parameters)) {
		// The value may have commas, which would end it: the AWS CLI reads a quoted one as one.
		value := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(o.parameters[name])
		parameters = append(parameters,
			quote(fmt.Sprintf(`ParameterKey=%s,ParameterValue="%s"`, name, value)))
	}
	prefix := `: "${CODE_BUCKET_PREFIX:?set it to the prefix of your bucket names}"`
	if o.prefix != "" {
		prefix = "CODE_BUCKET_PREFIX=" + quote(o.prefix)
	}
	_, err := fmt.Fprintf(w,
		`# %[1]s is written (%[2]d bytes).
# Run these commands in the account that administers the stack set (docs/organizations.md):
%[3]s

# The code, into the bucket of each region.
for region in %[4]s; do
  aws s3 cp %[5]s "s3://$CODE_BUCKET_PREFIX-$region/%[6]s" --region "$region"
done
%[7]s
# The first time. In the organization's management account leave --call-as out.
aws cloudformation create-stack-set --stack-set-name remotion-audit --call-as DELEGATED_ADMIN \
  --permission-model SERVICE_MANAGED --auto-deployment Enabled=false \
  --capabilities CAPABILITY_IAM %[8]s \
  --parameters %[9]s
aws cloudformation create-stack-instances --stack-set-name remotion-audit \
  --call-as DELEGATED_ADMIN --deployment-targets \
    OrganizationalUnitIds="${ORGANIZATIONAL_UNIT:?set it to a unit such as ou-ab12-cdef3456}" \
  --regions %[4]s

# Every further time. Set all parameters again: the others get the template's defaults.
aws cloudformation update-stack-set --stack-set-name remotion-audit --call-as DELEGATED_ADMIN \
  --capabilities CAPABILITY_IAM %[8]s \
  --parameters %[9]s
`, o.out, size, prefix, strings.Join(o.regions, " "), quote(o.zip), o.key, upload, template,
		strings.Join(parameters, " \\\n    "))
	return err
}

// quote is a word for the shell.
func quote(s string) string {
	if s != "" &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,@-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
