// Package infra deploys remotion-audit with the AWS CDK: a function that audits the permissions
// of Remotion Lambda on a schedule, publishes metrics and sends alerts to a topic.
//
//	infra.NewPermissionAuditor(stack, "RemotionAudit", &infra.PermissionAuditorProps{
//		Callers:    jsii.Strings("user/render", "role/web=render"),
//		AlertEmail: jsii.String("ops@example.com"),
//	})
//
// template.yaml deploys the same resources with SAM; a test compares both. The package is a module
// of its own, so that the function does not depend on CDK.
package infra

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// Validate returns all errors in the props, joined. Each error names the field.
func (p *PermissionAuditorProps) Validate() error {
	if p == nil {
		p = &PermissionAuditorProps{}
	}
	v := &validation{}
	if p.Callers == nil || len(*p.Callers) == 0 {
		v.wrong("Callers", `required: set it to the callers, such as user/render, or to "none"`)
	}
	p.validateSettings(v)
	p.validateReadScope(v)
	p.validateEnvironment(v)
	for _, topic := range p.givenTopics() {
		if topic.Fifo() != nil && *topic.Fifo() {
			v.wrong(topic.field,
				"is a FIFO topic, which delivers neither mail nor chat: use a standard topic")
		}
	}
	p.validateSchedule(v)
	if p.Code == nil {
		if _, err := functionSource(); err != nil {
			v.wrong("Code", "%v", err)
		}
	}
	if len(v.errs) == 0 {
		return nil
	}
	return fmt.Errorf("PermissionAuditor: %w", errors.Join(v.errs...))
}

// validateReadScope checks ReadScope together with the fields that depend on it.
func (p *PermissionAuditorProps) validateReadScope(v *validation) {
	if p.ReadScope != nil && *awscdk.Token_IsUnresolved(p.ReadScope) {
		v.wrong("ReadScope",
			"must be known at synth, because it decides the role's policy: use a literal")
	}
	named := p.ReadScope != nil && *p.ReadScope == contract.ReadScopeNamed
	switch hasNames := p.NamedPrincipals != nil && len(*p.NamedPrincipals) > 0; {
	case named && !hasNames:
		v.wrong("NamedPrincipals", `ReadScope "named" needs the ARNs that the auditor may read`)
	case hasNames && !named:
		v.wrong("NamedPrincipals",
			`has no effect with ReadScope "account": set ReadScope to "named", or omit NamedPrincipals`)
	case named && *awscdk.Token_IsUnresolved(p.NamedPrincipals):
		v.wrong("NamedPrincipals",
			"must be a list that is known at synth: use a literal list, whose entries may be tokens")
	case named:
		if size := len(*commaSeparated(p.NamedPrincipals)); size > longestNames {
			v.wrong("NamedPrincipals", "have %d characters, at most %d fit into a role's policy", size,
				longestNames)
		}
	}
	if named && p.Callers != nil {
		for _, caller := range *p.Callers {
			if caller != nil && strings.HasPrefix(*caller, "sso/") {
				v.wrong("Callers",
					`%s: ReadScope "named" does not allow the search for its role: use the ARN of the role`,
					*caller)
			}
		}
	}
}

// validation collects the errors of Validate.
type validation struct{ errs []error }

func (v *validation) wrong(field, format string, args ...any) {
	v.errs = append(v.errs, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
}

// check adds an error if a value does not match the pattern form. It ignores nil and tokens.
func (v *validation) check(field, form, want string, value *string) {
	if value != nil && !*awscdk.Token_IsUnresolved(value) &&
		!regexp.MustCompile(form).MatchString(*value) {
		v.wrong(field, "%q is not %s", *value, want)
	}
}

// checkList adds an error if an entry is nil, or if the list, joined with commas, does not match
// the pattern form. It ignores a list that is nil or a token.
func (v *validation) checkList(field, form, want string, list *[]*string) {
	if list == nil {
		return
	}
	for i, entry := range *list {
		if entry == nil {
			v.wrong(field, "entry %d is nil", i)
			return
		}
	}
	if !*awscdk.Token_IsUnresolved(list) {
		v.check(field, form, want, commaSeparated(list))
	}
}

// longestNames is the maximum length of NamedPrincipals in characters, with commas. The inline
// policies of a role can have 10,240 characters; the other statements and the quotes need the rest.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
const longestNames = 6_500

// withDefaults returns a copy of valid props. It sets the fields whose default is a value, and
// changes an empty AlertEmail or EvidenceBucket to nil. If Code is nil, it sets Code to the built
// function, and panics if the build fails.
func (p *PermissionAuditorProps) withDefaults(stack awscdk.Stack) PermissionAuditorProps {
	set := *p
	set.setDefaults()
	if set.Code == nil {
		directory, err := codeDirectory(*stack.BundlingRequired())
		if err != nil {
			panic(fmt.Errorf("PermissionAuditor: Code: %w", err))
		}
		set.Code = awslambda.Code_FromAsset(jsii.String(directory), nil)
	}
	return set
}
