package awsemu

import "testing"

// TestEveryOperationHasPermissions checks that no operation is refused to all callers because its
// row lacks the permissions.
func TestEveryOperationHasPermissions(t *testing.T) {
	for _, d := range (&Server{}).started().definitions {
		for name, operation := range d.Operations {
			if operation.Needs == nil {
				t.Errorf("%s offers %s, but has no permissions for this operation", d.Name, name)
			}
		}
	}
}
