package organizations

import (
	"fmt"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// CheckResourceControlPolicy returns an error if a text is not a resource control policy that a
// customer can write. Such a policy only denies, and names the actions of some services.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html
func CheckResourceControlPolicy(text string) error {
	document, err := iampolicy.ParseResourceControl(text)
	if err != nil {
		return err
	}
	for i, s := range document.Statements {
		switch {
		case s.Effect == iampolicy.Allow:
			return fmt.Errorf("statement %d: the Effect must be Deny", i+1)
		case len(s.Action) == 1 && s.Action[0] == "*":
			return fmt.Errorf("statement %d: the Action must name a service, such as s3:*", i+1)
		}
	}
	return nil
}

// ResourceControl returns the resource control policies of the levels, root first. It returns nil
// for the management account, which they do not affect.
func (s *Service) ResourceControl() [][]iampolicy.Policy {
	if s.access == AccessManagement {
		return nil
	}
	var levels [][]iampolicy.Policy
	for _, l := range s.levels {
		var level []iampolicy.Policy
		for _, p := range l.attached(resourceControl) {
			if document, err := iampolicy.ParseResourceControl(p.content); err == nil {
				level = append(level, iampolicy.Policy{ID: p.name, Document: document})
			}
		}
		levels = append(levels, level)
	}
	return levels
}

// OrganizationID returns the id of the organization, or an empty string.
func (s *Service) OrganizationID() string {
	if !s.member() {
		return ""
	}
	return ID
}
