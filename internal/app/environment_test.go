package app

import (
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// TestEnvironmentClients checks the variables that Lambda or the operator of the function sets.
func TestEnvironmentClients(t *testing.T) {
	var hosts []string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts = append(hosts, r.Header.Get("Authorization")+" "+r.Header.Get("X-Amz-Security-Token"))
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(server.Close)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE",
		Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_SESSION_TOKEN": "session", "AWS_ENDPOINT_URL": "https://127.0.0.1:1",
		"AWS_ENDPOINT_URL_STS": server.URL, "AWS_CA_BUNDLE": bundle, "AWS_PROFILE": "does-not-exist",
	} {
		t.Setenv(key, value)
	}
	clients, err := EnvironmentClients(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clients.STS.GetCallerIdentity(t.Context(),
		&sts.GetCallerIdentityInput{}); err == nil || len(hosts) != 1 ||
		!strings.Contains(hosts[0], "AKIAEXAMPLE/") || !strings.Contains(hosts[0], "/eu-west-1/sts/") ||
		!strings.HasSuffix(hosts[0], " session") {
		t.Errorf("requests %q, error %v: expected one signed request to the endpoint of STS", hosts, err)
	}
	if got := clients.IAM.Options().BaseEndpoint; got == nil || *got != "https://127.0.0.1:1" {
		t.Errorf("the endpoint of IAM is %v", got)
	}
	t.Setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
	clients, err = EnvironmentClients(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil || clients.IAM.Options().BaseEndpoint != nil {
		t.Errorf("the endpoint of IAM is not ignored, error %v", err)
	}
	t.Setenv("AWS_USE_FIPS_ENDPOINT", "true")
	if clients, err = EnvironmentClients(t.Context(), slog.New(slog.DiscardHandler)); err != nil ||
		clients.IAM.Options().EndpointOptions.UseFIPSEndpoint != aws.FIPSEndpointStateEnabled {
		t.Errorf("FIPS is %d, error %v", clients.IAM.Options().EndpointOptions.UseFIPSEndpoint, err)
	}
	for _, file := range []string{"/does/not/exist", bundle + "x"} {
		if file != "/does/not/exist" {
			if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("AWS_CA_BUNDLE", file)
		if _, err := EnvironmentClients(t.Context(), slog.New(slog.DiscardHandler)); err == nil ||
			!strings.HasPrefix(err.Error(), "AWS_CA_BUNDLE: ") {
			t.Errorf("%s: error %v", file, err)
		}
	}
}
