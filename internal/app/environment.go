package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// EnvironmentClients creates the clients of the deployed function. Lambda gives a function its
// credentials and its region in the environment, so that no file, instance or sign-in is read. The
// variables for endpoints, FIPS, dual stack and certificates have their usual meaning.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func EnvironmentClients(ctx context.Context, log *slog.Logger) (Clients, error) {
	env, err := config.NewEnvConfig()
	if err != nil {
		return Clients{}, err
	}
	cfg := aws.Config{
		Region:                     env.Region,
		Credentials:                credentials.StaticCredentialsProvider{Value: env.Credentials},
		Logger:                     sdkLogger(ctx, log),
		ConfigSources:              []any{env},
		AppID:                      env.AppID,
		DefaultsMode:               env.DefaultsMode,
		AccountIDEndpointMode:      env.AccountIDEndpointMode,
		RequestChecksumCalculation: env.RequestChecksumCalculation,
		ResponseChecksumValidation: env.ResponseChecksumValidation,
	}
	ignored := env.IgnoreConfiguredEndpoints != nil && *env.IgnoreConfiguredEndpoints
	if env.BaseEndpoint != "" && !ignored {
		cfg.BaseEndpoint = &env.BaseEndpoint
	}
	if env.CustomCABundle != "" {
		if cfg.HTTPClient, err = trusting(env.CustomCABundle); err != nil {
			return Clients{}, fmt.Errorf("AWS_CA_BUNDLE: %w", err)
		}
	}
	return NewClients(cfg), nil
}

// trusting returns a client that trusts the certificates of a file only.
func trusting(file string) (*awshttp.BuildableClient, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate in PEM form", file)
	}
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		t.TLSClientConfig.RootCAs = pool
	}), nil
}
