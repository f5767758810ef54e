package awsemu

import (
	"cmp"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// The server does not verify signatures, so that any text counts as a credential. A web page in a
// browser on this machine can reach loopback, and can send what no page may send to AWS. No AWS
// client sends the headers by which a browser says where a request comes from, and none changes
// anything with GET.

// fromWebPage returns an error for a request that a web page of another host may have made: one to
// another host name than a loopback one (the name of the page, which now resolves to loopback), or
// one with a page's origin.
func fromWebPage(r *http.Request) *wire.Error {
	if !isLoopback(hostname(r.Host)) {
		return wire.Refuse(http.StatusForbidden, "AccessDenied",
			"the embedded AWS answers requests to 127.0.0.1, [::1] and localhost only: use its address in "+
				"AWS_ENDPOINT_URL")
	}
	origins, site := r.Header.Values("Origin"), r.Header.Get("Sec-Fetch-Site")
	for _, origin := range origins {
		if u, err := url.Parse(origin); err != nil || !isLoopback(u.Hostname()) {
			return wire.Refuse(http.StatusForbidden, "AccessDenied",
				"the embedded AWS refuses requests of web pages of other hosts: use an AWS client")
		}
	}
	if len(origins) == 0 && site != "" && site != "same-origin" && site != "none" {
		return wire.Refuse(http.StatusForbidden, "AccessDenied",
			"the embedded AWS refuses requests of web pages: use an AWS client")
	}
	return nil
}

// hostname returns the host of a Host header, without the port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.Trim(host, "[]")
}

// isLoopback reports whether a host is a loopback address, localhost or a name below it. A bucket
// can be such a name: evidence.localhost. Resolvers must not look such names up.
// https://www.rfc-editor.org/rfc/rfc6761#section-6.3
func isLoopback(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// reading matches the names of operations that change nothing.
var reading = regexp.MustCompile(`^(Get|Head|List|Simulate)`)

// changeByLink returns an error for an operation that changes something, in a request that a link,
// an image or a form can make: GET, or POST with the credential in the URL.
func changeByLink(r *http.Request, operation string) *wire.Error {
	byForm := r.Method == http.MethodPost && r.Header.Get("Authorization") == ""
	if byForm || r.Method == http.MethodGet || r.Method == http.MethodHead {
		if !reading.MatchString(operation) {
			return wire.Refuse(http.StatusMethodNotAllowed, "MethodNotAllowed",
				"%s changes something: send it with POST and an Authorization header, as AWS clients do",
				cmp.Or(operation, "the operation"))
		}
	}
	return nil
}
