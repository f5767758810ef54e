package calls

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A denial is an action on a kind of resource that the policies of an identity deny. The zero value
// denies nothing.
type denial struct {
	who          policies.PolicyKind
	action, kind string
}

// patterns are the resources of each kind for which a policy can deny an action on its own.
var patterns = map[string]string{
	"bucket":         "arn:aws:s3:::remotionlambda-*",
	"object":         "arn:aws:s3:::remotionlambda-*/*",
	"other bucket":   "arn:aws:s3:::" + outputBucket,
	"other object":   "arn:aws:s3:::" + outputBucket + "/*",
	"Insights layer": "arn:aws:lambda:*:580247275435:layer:*",
	"own layer":      "arn:aws:lambda:*:" + account + ":layer:*",
	"Remotion layer": "arn:aws:lambda:*:678892195805:layer:*",
}

// An outcome is what a scenario did: the calls that the server received, what Remotion warned of,
// and the error that the user gets.
type outcome struct {
	calls  []awsemu.Call
	warned []string
	err    error
}

// attempts is the number of times that a scenario runs if it fails without a denial, or under a
// denial in another way than by it: the machine may be busy.
const attempts = 3

// perform runs a scenario under a denial. If a process does not answer, perform starts the
// processes again. Under a denial, that is the error of the scenario if it happens each time. An
// error means that the scenario could not run at all.
func (h *host) perform(ctx context.Context, s scenario, d denial) (outcome, error) {
	for attempt := 1; ; attempt++ {
		out, err := h.try(s, d)
		failed := errors.Join(err, out.err)
		denied := err == nil && d.action != "" && refused.MatchString(fmt.Sprint(failed))
		if failed == nil || denied || s.faults != nil || errors.Is(out.err, errMissing) {
			return out, err
		}
		if errors.Is(failed, errSilent) {
			if err := h.restart(ctx); err != nil {
				return out, err
			}
		}
		if attempt == attempts {
			return out, err
		}
	}
}

// refused matches the error of a call that AWS denied, or of Remotion about it.
var refused = regexp.MustCompile(`(?i)access ?denied|not authorized|forbidden|\b403\b|permission`)

func (h *host) try(s scenario, d denial) (out outcome, err error) {
	if _, err := h.serve(s.setting); err != nil {
		return out, err
	}
	r, server := &run{host: h}, h.server()
	if s.prepare != nil {
		if err := s.prepare(r); err != nil {
			return out, fmt.Errorf("%s: preparation: %w", s.name, err)
		}
		server.Wait()
		r.warned = nil
		// What the preparation still does in the background does not belong to the scenario.
		h.stage.Store(&stage{h.stage.Load().name + ", prepared", server})
	}
	if d.action != "" {
		if err := h.deny(d); err != nil {
			return out, err
		}
	}
	server.SetFaults(s.faults...)
	server.Reset()
	out.err = s.do(r)
	server.Wait()
	out.calls, out.warned = server.Calls(), r.warned
	return out, nil
}

// deny adds a policy that denies an action, as the administrator of the account.
func (h *host) deny(d denial) error {
	form := url.Values{"Action": {"PutUserPolicy"}, "UserName": {userName}, "PolicyName": {"denied"},
		"Version": {"2010-05-08"}, "PolicyDocument": {
			statement("Deny", cmp.Or(patterns[d.kind], "*"), d.action)}}
	if d.who == policies.Role {
		form.Del("UserName")
		form.Set("Action", "PutRolePolicy")
		form.Set("RoleName", policies.RoleName)
	}
	return h.administer(http.MethodPost, "", "iam", "application/x-www-form-urlencoded",
		form.Encode())
}

// put stores an object, as the administrator of the account.
func (h *host) put(bucket, key string) error {
	return h.administer(http.MethodPut, "/"+bucket+"/"+key, "s3", "text/plain", "old")
}

func (h *host) administer(method, path, service, contentType, body string) error {
	req, err := http.NewRequestWithContext(context.Background(), method, h.http.URL+path,
		strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAADMINISTRATOR000/20260101/"+
		region+"/"+service+"/aws4_request, SignedHeaders=host, Signature=00")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // only read
	if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s\n%s", method, path, res.Status, text)
	}
	return nil
}

// kind returns the kind of a resource, as the record names it.
func kind(action, arn string) string {
	service, _, _ := strings.Cut(action, ":")
	_, name, _ := strings.Cut(arn, ":::")
	bucket, _, isObject := strings.Cut(name, "/")
	switch {
	case arn == "*":
		return "*"
	case service == "s3":
		what := "bucket"
		if isObject {
			what = "object"
		}
		if !strings.HasPrefix(bucket, "remotionlambda-") {
			what = "other " + what
		}
		return what
	case strings.Contains(arn, ":function:"):
		return "function"
	case strings.Contains(arn, ":role/"):
		return "role"
	case strings.Contains(arn, ":layer:LambdaInsights"):
		return "Insights layer"
	case strings.Contains(arn, ":"+account+":layer:"):
		return "own layer"
	case strings.Contains(arn, ":layer:"):
		return "Remotion layer"
	case strings.Contains(arn, ":log-group:"):
		return "log group"
	case service == "servicequotas":
		return "quota"
	}
	if strings.Contains(arn, ":user/") {
		return "user"
	}
	return arn
}

// whoOf returns the identity that made a call: the user or the role; empty for the administrator.
func whoOf(caller string) policies.PolicyKind {
	switch {
	case strings.HasSuffix(caller, ":user/"+userName):
		return policies.User
	case strings.Contains(caller, ":assumed-role/"):
		return policies.Role
	}
	return ""
}
