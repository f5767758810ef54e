package fixformat

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
)

// everything has each part of a fix.
func everything(t testing.TB) Handover {
	h := handover(inlineEdit(t, "user/ci", "remotion"), managedEdit(t, "user/ci", "Remotion"),
		newEdit(t, iampolicy.InlineLocation, "group/render", "remotion-user-policy"))
	h.Fix.Gaps = 5
	put := remedy.Need{Sid: "Storage", Action: "s3:PutObject",
		Resource: "arn:aws:s3:::remotionlambda-*"}
	create := remedy.Need{Sid: "Storage", Action: "s3:CreateBucket",
		Resource: "arn:aws:s3:::remotionlambda-*"}
	h.Fix.Guards = []remedy.Guard{
		{Cause: iampolicy.IdentityDeny, Policy: `inline policy "deny"`, Owner: "the account",
			Statements: []iampolicy.StatementRef{{Policy: `inline policy "deny"`, Index: 1, Sid: "Never"}},
			Edits:      []remedy.Edit{inlineEdit(t, "user/ci", "deny")}, Blocks: []remedy.Need{put},
			Closes:     []remedy.Need{put},
			AlsoAllows: &remedy.Example{Action: "s3:PutObject", Resource: "arn:aws:s3:::other/x"}},
		{Cause: iampolicy.SCP, Policy: "service control policy guardrail",
			Owner: "an administrator of the organization", Blocks: []remedy.Need{create},
			Why: "the documents of the service control policies are unknown",
			Ask: "Please allow these actions for arn:aws:iam::123456789012:user/ci. Remotion needs them " +
				"to create the bucket of a region.\n{\n  \"Action\": \"s3:CreateBucket\"\n}"},
	}
	h.Fix.Remaining = []remedy.Remaining{
		{Need: create, Granted: true, Why: "a resource policy denies it"},
		{Need: remedy.Need{Action: "lambda:ListFunctions", Resource: "*"},
			Why: "no edit that was tried grants it within the quotas of IAM"}}
	h.Fix.Wider = &remedy.Wider{Edits: []remedy.Edit{inlineEdit(t, "user/ci", "all")},
		Closes:     []remedy.Need{getObject},
		AlsoAllows: remedy.Example{Action: "s3:DeleteBucket", Resource: "arn:aws:s3:::remotionlambda-x"}}
	h.Fix.Undo = &remedy.Undo{Edits: []remedy.Edit{managedEdit(t, "user/ci", "Remotion")},
		Closes: []remedy.Need{getObject}, Version: "v2", At: "2026-11-16T08:57:12Z"}
	return h
}

// permissionSet has a role that IAM does not let edit.
func permissionSet(t testing.TB) Handover {
	h := handover(inlineEdit(t, "role/AWSReservedSSO_Video_0123456789abcdef", "AwsSSOInlinePolicy"))
	h.Fix.Target = "role/AWSReservedSSO_Video_0123456789abcdef"
	h.Fix.Owner = remedy.Ownership{Tool: remedy.IdentityCenter, Certainty: remedy.ProvedOwner,
		Name: "Video", Evidence: []string{"path /aws-reserved/sso.amazonaws.com/"}}
	return h
}

func TestTexts(t *testing.T) {
	t.Parallel()
	withheld := handover()
	withheld.Fix.Closes = nil
	withheld.Fix.Withheld = "not all policies of the principal could be read"
	trust := guarded(trustEdit(t, "role/render"))
	trust.Fix.Guards[0].Cause = remedy.TrustCause
	terraform := handover(inlineEdit(t, "user/ci", "remotion"))
	terraform.Fix.Owner = remedy.Ownership{Tool: remedy.Terraform, Certainty: remedy.ProbableOwner,
		Evidence: []string{"tag ManagedBy of user/ci"}}
	for file, h := range map[string]Handover{"everything.txt": everything(t),
		"withheld.txt": withheld, "terraform.txt": terraform, "permission-set.txt": permissionSet(t),
		"guard-only.txt": trust} {
		text := formatted(t, h, Default, "text")
		golden.Compare(t, filepath.Join("testdata", file), []byte(text))
		for _, l := range strings.Split(text, "\n") {
			if n := utf8.RuneCountInString(l); n > textWidth && strings.Contains(l, " ") &&
				!strings.Contains(l, "remotion-audit fix") && !strings.HasPrefix(l, "FIX ") &&
				!strings.HasPrefix(l, "  ") {
				t.Errorf("%s: a line of %d characters: %s", file, n, l)
			}
		}
	}
}

func TestForAdmin(t *testing.T) {
	t.Parallel()
	for file, h := range map[string]Handover{"admin-everything.txt": everything(t),
		"admin-permission-set.txt": permissionSet(t)} {
		var b strings.Builder
		if err := ForAdmin(&b, h, Default); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, filepath.Join("testdata", file), []byte(b.String()))
		prose, _, _ := strings.Cut(b.String(), "#!/bin/sh")
		for _, l := range strings.Split(prose, "\n") {
			if n := utf8.RuneCountInString(l); n > adminWidth && !strings.HasPrefix(l, "  ") {
				t.Errorf("%s: a line of %d characters: %s", file, n, l)
			}
		}
	}
	var b strings.Builder
	if err := ForAdmin(&b, handover(), Default); err == nil || b.Len() > 0 {
		t.Errorf("a fix without edits: %v, %q", err, b.String())
	}
}

// TestGuardsFollowTheFix checks that an exception continues an edit of the same document, and that
// two exceptions of one document are not combined without a proof.
func TestGuardsFollowTheFix(t *testing.T) {
	t.Parallel()
	first := inlineEdit(t, "user/ci", "remotion")
	second := first
	second.Before, second.After = first.After, document(t, storageAfter, conditional)
	second.Changes = []remedy.Change{{Kind: remedy.RemoveStatement, Statement: 3, Text: "remove it"}}
	h := handover(first)
	h.Fix.Guards = guarded(second).Fix.Guards
	edits, err := h.Edits(Guard)
	if err != nil || len(edits) != 1 || edits[0].Before.Text() != first.Before.Text() ||
		edits[0].After.Text() != second.After.Text() || len(edits[0].Changes) != 2 {
		t.Errorf("got %+v, %v", edits, err)
	}
	h.Fix.Edits = nil
	h.Fix.Guards = append(guarded(first).Fix.Guards, guarded(first).Fix.Guards...)
	if _, err := h.Edits(Guard); err == nil || !strings.HasPrefix(err.Error(),
		`two exceptions change inline policy "remotion", and each is proved alone`) {
		t.Errorf("got %v", err)
	}
}

func TestNoEdits(t *testing.T) {
	t.Parallel()
	withheld := handover()
	withheld.Fix.Withheld = "not all policies could be read"
	unparsed := handover(remedy.Edit{Policy: "x"})
	for name, test := range map[string]struct {
		handover Handover
		variant  Variant
		want     string
	}{
		"withheld":      {withheld, Default, "no fix is shown for user/ci: not all policies"},
		"guards only":   {guarded(trustEdit(t, "role/x")), Default, "--guard prints them"},
		"nothing":       {handover(), Default, "no edit of the account's policies closes a gap"},
		"no guard":      {handover(), Guard, "leave out --guard"},
		"nothing wider": {handover(), Wider, "leave out --wider"},
		"nothing known": {handover(), Undo, "leave out --undo"},
		"no document":   {unparsed, Default, "the report has no new document for x"},
	} {
		if _, err := test.handover.Edits(test.variant); err == nil ||
			!strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	for _, format := range []string{"cli", "terraform", "cloudformation"} {
		f, err := Find(format)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := f.Write(&b, permissionSet(t), Default); err == nil || b.Len() > 0 ||
			!strings.Contains(err.Error(), "change the policy of permission set Video instead") {
			t.Errorf("%s of a permission set: %v, %q", format, err, b.String())
		}
		file := inlineEdit(t, "", "policy.json")
		file.Location.Kind = iampolicy.FileLocation
		if err := f.Write(&b, handover(file), Default); err == nil ||
			!strings.Contains(err.Error(), "it is unknown where") {
			t.Errorf("%s of a file: %v", format, err)
		}
	}
}

// A caller is known to the audit that --callers names it for only, so the command repeats it.
func TestCommandNamesTheCaller(t *testing.T) {
	r := audit.Report{Targets: []audit.TargetReport{
		{Name: "user/ci", Kind: audit.Caller, Purpose: "deploy"},
		{Name: "role/r", Kind: audit.RenderRole, Purpose: "render"}}}
	for target, want := range map[string]string{
		"user/ci": "remotion-audit fix --target user/ci --callers user/ci=deploy --format cli",
		"role/r":  "remotion-audit fix --target role/r --format cli",
	} {
		got := FromReport(r, remedy.Fix{Target: target}).Command("cli", Default)
		if got != want {
			t.Errorf("the command is %s, want %s", got, want)
		}
	}
}
