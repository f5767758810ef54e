package report

import (
	"bytes"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

func TestReportsFollowTheSchema(t *testing.T) {
	s := schematest.Compile(t, "report.schema.json")
	for _, name := range fixtures(t) {
		var b bytes.Buffer
		r := read(t, name+".json").Muted(func(f audit.Finding) *audit.Mute {
			if f.Action != "s3:GetObject" {
				return nil
			}
			return &audit.Mute{Owner: "kim", Reason: "known", Until: time.Unix(0, 0)}
		})
		r.Remotion.Installed = "4.0.300"
		if err := JSON(&b, r); err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaRefuses checks that a report with a gap without a cause does not follow the schema.
func TestSchemaRefuses(t *testing.T) {
	r := read(t, "drifted.json")
	for i := range r.Findings {
		r.Findings[i].Cause = ""
	}
	var b bytes.Buffer
	if err := JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	if schematest.Compile(t, "report.schema.json").Validate(v) == nil {
		t.Error("the schema accepts gaps without a cause")
	}
}
