package calls

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
)

// A scenario uses functions of the package as its documentation shows.
type scenario struct {
	// operation is the word for what the user does: deploy, sites, render, invoke, stills,
	// progress-from-bucket, quotas, delete-render or validate.
	operation string
	// name says what the scenario does, with the functions that it calls.
	name string
	// since is the first release with the function or the option. Empty means all.
	since string
	// feature is true for an option that a user has to set. Without it, the operation works.
	feature bool
	setting Setting
	// prepare runs first. Its calls are not recorded, and nothing is denied meanwhile.
	prepare func(*run) error
	do      func(*run) error
	// faults are faults of AWS while do runs. They make the scenario fail.
	faults []awsemu.Fault
}

// A run is a scenario that runs for one release.
type run struct {
	*host
	warned []string // what Remotion warned of
	// render and bucket identify the render of the scenario.
	render, bucket string
}

// errMissing means that the release does not export a function.
var errMissing = errors.New("the release does not export the function")

// input is the argument of a function of the package.
type input map[string]any

// with returns the input with further members.
func (in input) with(more input) input {
	all := maps.Clone(in)
	maps.Copy(all, more)
	return all
}

// use calls a function of the package and decodes its result. It adds the region to the input.
func (r *run) use(name string, in input, out any) error {
	a, err := r.call(name, input{"region": region}.with(in))
	switch {
	case err != nil:
		return err
	case a.Missing:
		return fmt.Errorf("%s: %w", name, errMissing)
	}
	r.warned = append(r.warned, a.Warned...)
	if !a.OK {
		return fmt.Errorf("%s: %s", name, a.Error)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(a.Value, out)
}

// calls1 returns a step of a scenario that calls one function. The name of the function of the
// release replaces an empty functionName.
func calls1(name string, in input) func(*run) error {
	return func(r *run) error {
		if in["functionName"] == "" {
			return r.use(name, in.with(input{"functionName": r.release.FunctionName()}), nil)
		}
		return r.use(name, in, nil)
	}
}

const serveURL = "https://example.com/site/index.html"

// big is an object with a text that is too large for the payload of an invocation.
func big(size int) input { return input{"text": strings.Repeat("x", size)} }

// startRender starts a render and waits until its functions have ended.
func (r *run) startRender(with input) error {
	in := input{"functionName": r.release.FunctionName(), "serveUrl": serveURL,
		"composition": "comp", "codec": "h264", "imageFormat": "jpeg", "inputProps": input{},
		"framesPerLambda": 20, "privacy": "public", "maxRetries": 1}.with(with)
	if in["concurrency"] != nil {
		delete(in, "framesPerLambda")
	}
	var started struct{ RenderID, BucketName string }
	err := r.use("renderMediaOnLambda", in, &started)
	r.server().Wait()
	r.render, r.bucket = started.RenderID, started.BucketName
	return err
}

// progress reads the progress of the render until it is done, as a user does. It returns an error
// if the render has failed. Some releases write the progress after the function has ended.
func (r *run) progress(with input) error {
	const rounds, pause = 40, 25 * time.Millisecond
	var p struct {
		Done, FatalErrorEncountered bool
		Errors                      []struct{ Message string }
	}
	for range rounds {
		if err := r.use("getRenderProgress", input{"functionName": r.release.FunctionName(),
			"renderId": r.render, "bucketName": r.bucket}.with(with), &p); err != nil {
			return err
		}
		if p.Done {
			return nil
		}
		if p.FatalErrorEncountered {
			break
		}
		time.Sleep(pause)
	}
	return fmt.Errorf("the render failed: %+v", p)
}

// renders returns a step that renders with options and reads the progress.
func renders(with input) func(*run) error {
	return func(r *run) error {
		if err := r.startRender(with); err != nil {
			return err
		}
		return r.progress(nil)
	}
}

// onRender returns a step that calls a function for the render of the scenario.
func onRender(name string, with input) func(*run) error {
	return func(r *run) error {
		return r.use(name, input{"renderId": r.render, "bucketName": r.bucket}.with(with), nil)
	}
}

// rendersStill returns a step that renders a still with options.
func rendersStill(with input) func(*run) error {
	return calls1("renderStillOnLambda", input{"functionName": "", "serveUrl": serveURL,
		"composition": "comp", "imageFormat": "png", "inputProps": input{}, "privacy": "public",
		"maxRetries": 0, "envVariables": input{}, "frame": 0}.with(with))
}

// largeFiles makes the files so large that they are uploaded in parts, during a step.
func largeFiles(do func(*run) error) func(*run) error {
	return func(r *run) error {
		if err := os.WriteFile(r.large, nil, 0o600); err != nil {
			return err
		}
		defer func() { _ = os.Remove(r.large) }() // written above
		return do(r)
	}
}

func steps(list ...func(*run) error) func(*run) error {
	return func(r *run) error {
		for _, do := range list {
			if err := do(r); err != nil {
				return err
			}
		}
		return nil
	}
}

var (
	ready = Setting{Function: true, Buckets: []string{remotionBucket}}
	// withOutput also has a bucket that Remotion did not create.
	withOutput = Setting{Function: true, Buckets: []string{remotionBucket, outputBucket}}
	deployment = input{"createCloudWatchLogGroup": true, "memorySizeInMb": 2048,
		"timeoutInSeconds": 120, "diskSizeInMb": 2048, "architecture": "arm64"}
	ownLayers   = []string{"arn:aws:lambda:us-east-1:123456789012:layer:chromium:1"}
	intoOutput  = input{"outName": input{"bucketName": outputBucket, "key": "out.mp4"}}
	deploysSite = calls1("deploySite", input{"entryPoint": "src/index.ts", "siteName": site,
		"bucketName": remotionBucket})
)

const site = "site"

// partFails refuses the first part of an upload, once.
var partFails = []awsemu.Fault{{Operation: "s3:UploadPart", Times: 1,
	Error: &awsemu.FaultError{Code: "InvalidPart", Message: "a test"}}}

// scenarios are the scenarios with functions of the package, in the order of the record.
var scenarios = []scenario{
	{operation: "deploy", name: "deployFunction, new function",
		do: calls1("deployFunction", deployment)},
	{operation: "deploy", name: "deployFunction, existing function", setting: ready,
		do: calls1("deployFunction", deployment)},
	{operation: "deploy", name: "deployFunction in a VPC", since: "4.0.160", feature: true,
		do: calls1("deployFunction", deployment.with(input{"vpcSubnetIds": "subnet-1",
			"vpcSecurityGroupIds": "sg-1"}))},
	{operation: "deploy", name: "deployFunction with enableLambdaInsights", since: "4.0.61",
		feature: true, do: calls1("deployFunction", deployment.with(input{
			"enableLambdaInsights": true}))},
	{operation: "deploy", name: "deployFunction with customLayerArns, new function",
		since: "4.0.510", feature: true, do: calls1("deployFunction", deployment.with(input{
			"customLayerArns": ownLayers}))},
	{operation: "deploy", name: "deployFunction with customLayerArns, existing function",
		since: "4.0.510", feature: true, setting: ready,
		do: calls1("deployFunction", deployment.with(input{"customLayerArns": ownLayers}))},
	{operation: "deploy", name: "getOrCreateBucket, new bucket",
		do: calls1("getOrCreateBucket", input{})},
	{operation: "deploy", name: "getOrCreateBucket, existing bucket", setting: ready,
		do: calls1("getOrCreateBucket", input{})},
	{operation: "deploy", name: "getOrCreateBucket, existing bucket with a name from before 3.3.13",
		setting: Setting{Buckets: []string{oldBucket}}, do: calls1("getOrCreateBucket", input{})},
	{operation: "deploy", name: "getOrCreateBucket with enableFolderExpiry", since: "4.0.32",
		feature: true, setting: ready,
		do: calls1("getOrCreateBucket", input{"enableFolderExpiry": true})},
	{operation: "deploy", name: "getOrCreateBucket with enableFolderExpiry: false",
		since: "4.0.32", feature: true, setting: ready,
		do: calls1("getOrCreateBucket", input{"enableFolderExpiry": false})},
	{operation: "deploy", name: "getFunctions", setting: ready, do: func(r *run) error {
		var list []struct{ FunctionName string }
		err := r.use("getFunctions", input{"compatibleOnly": true}, &list)
		if err == nil && len(list) != 1 {
			err = fmt.Errorf("getFunctions found %d functions", len(list))
		}
		return err
	}},
	{operation: "deploy", name: "getFunctionInfo", setting: ready,
		do: calls1("getFunctionInfo", input{"functionName": ""})},
	{operation: "deploy", name: "deleteFunction", setting: ready,
		do: calls1("deleteFunction", input{"functionName": ""})},

	{operation: "sites", name: "deploySite, new site", setting: ready, do: deploysSite},
	{operation: "sites", name: "deploySite, existing site", setting: ready,
		prepare: steps(deploysSite, func(r *run) error {
			return r.put(remotionBucket, "sites/site/old.js")
		}), do: deploysSite},
	{operation: "sites", name: "getSites", setting: ready, prepare: deploysSite,
		do: calls1("getSites", input{})},
	{operation: "sites", name: "deleteSite", setting: ready, prepare: deploysSite,
		do: calls1("deleteSite", input{"siteName": site, "bucketName": remotionBucket})},

	{operation: "render", name: "renderMediaOnLambda, getRenderProgress", setting: ready,
		do: renders(nil)},
	{operation: "render", name: "renderMediaOnLambda with the name of a site", setting: ready,
		do: renders(input{"serveUrl": site})},
	{operation: "render", name: "renderMediaOnLambda with large input props", setting: ready,
		do: renders(input{"inputProps": big(300_000)})},
	{operation: "render", name: "renderMediaOnLambda without a bucket in the region",
		setting: Setting{Function: true}, do: renders(nil)},
	{operation: "render", name: "renderMediaOnLambda with a large output", setting: ready,
		do: largeFiles(renders(nil))},
	{operation: "render", name: "renderMediaOnLambda with a large output, of which a part fails",
		setting: ready, faults: partFails, do: largeFiles(renders(nil))},
	{operation: "render", name: "renderMediaOnLambda with overwrite", setting: ready,
		do: renders(input{"overwrite": true})},
	{operation: "render", name: "renderMediaOnLambda with privacy no-acl", setting: ready,
		do: renders(input{"privacy": "no-acl"})},
	{operation: "render", name: "renderMediaOnLambda into another bucket", setting: withOutput,
		do: renders(intoOutput)},
	{operation: "render", name: "renderMediaOnLambda into another bucket with overwrite",
		setting: withOutput, do: renders(intoOutput.with(input{"overwrite": true}))},
	{operation: "render", name: "renderMediaOnLambda into another bucket with privacy no-acl",
		setting: withOutput, do: renders(intoOutput.with(input{"privacy": "no-acl"}))},
	{operation: "render", name: "renderMediaOnLambda with concurrency 1", setting: ready,
		since: "4.0.517", do: renders(input{"concurrency": 1})},
	{operation: "render", name: "renderMediaOnLambda with enableCancellation", setting: ready,
		since: "4.0.515", feature: true, do: renders(input{"enableCancellation": true})},
	{operation: "render", name: "cancelRenderOnLambda", setting: ready, since: "4.0.515",
		feature: true, prepare: renders(input{"enableCancellation": true}),
		do: onRender("cancelRenderOnLambda", nil)},
	{operation: "render", name: "downloadMedia", setting: ready, prepare: renders(nil),
		do: func(r *run) error {
			return onRender("downloadMedia", input{"outPath": "out.mp4"})(r)
		}},
	{operation: "render", name: "presignUrl", setting: ready, feature: true,
		prepare: renders(nil), do: func(r *run) error {
			return r.use("presignUrl", input{"bucketName": r.bucket, "expiresInSeconds": 60,
				"objectKey": "renders/" + r.render + "/out.mp4"}, nil)
		}},
	{operation: "render", name: "presignUrl with checkIfObjectExists", setting: ready,
		feature: true, prepare: renders(nil), do: func(r *run) error {
			return r.use("presignUrl", input{"bucketName": r.bucket, "checkIfObjectExists": true,
				"objectKey": "renders/" + r.render + "/out.mp4", "expiresInSeconds": 60}, nil)
		}},
	{operation: "render", name: "getCompositionsOnLambda", setting: ready,
		do: calls1("getCompositionsOnLambda", input{"functionName": "", "serveUrl": serveURL,
			"inputProps": input{}, "envVariables": input{}})},

	{operation: "invoke", name: "renderMediaOnLambda with forceBucketName, getRenderProgress",
		setting: ready, do: renders(input{"forceBucketName": remotionBucket})},
	{operation: "invoke", name: "renderMediaOnLambda with forceBucketName and large input props",
		setting: ready, do: renders(input{"forceBucketName": remotionBucket,
			"inputProps": big(300_000)})},

	{operation: "stills", name: "renderStillOnLambda", setting: ready, do: rendersStill(nil)},
	{operation: "stills", name: "renderStillOnLambda with forceBucketName", setting: ready,
		do: rendersStill(input{"forceBucketName": remotionBucket})},
	{operation: "stills", name: "renderStillOnLambda with large input props", setting: ready,
		do: rendersStill(input{"inputProps": big(5_200_000)})},
	{operation: "stills", name: "renderStillOnLambda into another bucket", setting: withOutput,
		do: rendersStill(input{"outName": input{"bucketName": outputBucket, "key": "out.png"}})},

	{operation: "progress-from-bucket", name: "getRenderProgress with skipLambdaInvocation",
		setting: ready, since: "4.0.221",
		prepare: renders(input{"forceBucketName": remotionBucket}),
		do:      func(r *run) error { return r.progress(input{"skipLambdaInvocation": true}) }},

	{operation: "delete-render", name: "deleteRender", setting: ready, prepare: renders(nil),
		do: onRender("deleteRender", nil)},
	{operation: "delete-render", name: "deleteRender, output in another bucket",
		setting: withOutput, prepare: renders(intoOutput), do: onRender("deleteRender", nil)},

	{operation: "quotas", name: "npx remotion lambda quotas", do: cli("quotas")},
	{operation: "quotas", name: "npx remotion lambda quotas increase",
		do: cli("quotas", "increase", "--yes", "--force")},
	{operation: "render", name: "npx remotion lambda render", setting: ready,
		do: cli("render", serveURL, "comp", "--log=verbose")},
	{operation: "render", name: "npx remotion lambda render with --function-name", setting: ready,
		do: func(r *run) error {
			return cli("render", serveURL, "comp", "--function-name", r.release.FunctionName())(r)
		}},
	{operation: "stills", name: "npx remotion lambda still", setting: ready,
		do: cli("still", serveURL, "comp")},
	{operation: "sites", name: "npx remotion lambda sites create", setting: ready,
		do: cli("sites", "create", "src/index.ts", "--site-name", site)},

	{operation: "validate", name: "simulatePermissions",
		do: calls1("simulatePermissions", input{})},
}
