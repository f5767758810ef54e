package organizations

import (
	"encoding/json"
	"errors"
	"fmt"
)

// CheckResourceControlPolicy returns an error if a text is not a resource control policy. Each
// statement denies, for the principal "*", some actions on some resources.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html
func CheckResourceControlPolicy(text string) error {
	var document struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return fmt.Errorf("the document is not JSON: %w", err)
	}
	if document.Version != "2012-10-17" {
		return fmt.Errorf("the Version must be 2012-10-17, got %q", document.Version)
	}
	type statement struct {
		Effect                        string
		Principal                     any
		Action, Resource, NotResource any
		NotAction, NotPrincipal       any
	}
	var statements []statement
	if err := json.Unmarshal(document.Statement, &statements); err != nil {
		var one statement
		if json.Unmarshal(document.Statement, &one) != nil {
			return fmt.Errorf("the Statement is not a statement or a list of them: %w", err)
		}
		statements = []statement{one}
	}
	if len(statements) == 0 {
		return errors.New("the document has no statement")
	}
	for i, s := range statements {
		switch {
		case s.Effect != "Deny":
			return fmt.Errorf("statement %d: the Effect must be Deny, got %q", i+1, s.Effect)
		case s.Principal != "*" || s.NotPrincipal != nil:
			return fmt.Errorf("statement %d: the Principal must be \"*\"", i+1)
		case s.Action == nil || s.NotAction != nil:
			return fmt.Errorf("statement %d: it needs an Action", i+1)
		case s.Action == "*":
			return fmt.Errorf("statement %d: the Action must name a service, such as s3:*", i+1)
		case (s.Resource == nil) == (s.NotResource == nil):
			return fmt.Errorf("statement %d: it needs a Resource or a NotResource", i+1)
		}
	}
	return nil
}
