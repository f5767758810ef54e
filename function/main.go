// Command function is the Lambda function. For each event it audits the account and publishes
// metrics and alerts. The code is in internal/app.
package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/remotion-audit/remotion-audit/internal/app"
)

func main() {
	app.LimitMemory(os.Getenv)
	log := app.NewLogger(lambdacontext.NewLogHandler())
	cfg, configErr := app.ConfigFromEnv(os.Getenv)
	clients, err := app.EnvironmentClients(context.Background(), log)
	auditor := app.App{Config: cfg, ConfigError: configErr, Clients: clients, Log: log,
		Function: lambdacontext.FunctionName}

	// Return a start error from the handler. If main exited here, only the log would show it.
	lambda.Start(func(ctx context.Context, event json.RawMessage) (app.RunResult, error) {
		if err != nil {
			log.ErrorContext(ctx, "cannot start", "error", err.Error())
			return app.RunResult{}, err
		}
		return auditor.Handle(ctx, event)
	})
}
