package infra

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/infra/internal/cdktest"
)

func TestMain(m *testing.M) { cdktest.Main(m) }

// newStack returns a stack with an auditor, and the auditor. The output directory is temporary.
func newStack(t testing.TB, props *PermissionAuditorProps) (awscdk.Stack, PermissionAuditor) {
	t.Helper()
	if props.Code == nil {
		props.Code = cdktest.Code(t)
	}
	stack := cdktest.Stack(t)
	return stack, NewPermissionAuditor(stack, "Auditor", props)
}

func TestDefaults(t *testing.T) {
	stack, _ := newStack(t,
		&PermissionAuditorProps{Callers: jsii.Strings("user/render", "role/web=render")})
	template := assertions.Template_FromStack(stack, nil)

	template.HasResourceProperties(jsii.String("AWS::Lambda::Function"), map[string]any{
		"Architectures": []any{"arm64"},
		"Runtime":       "provided.al2023",
		"Handler":       "bootstrap",
		"MemorySize":    256,
		"Timeout":       60,
		"Environment": map[string]any{"Variables": map[string]any{
			"CALLERS": "user/render,role/web=render", "RENDER_ROLE": "remotion-lambda-role",
			"REMOTION_VERSION": "auto",
			"REGIONS":          "auto", "BUCKETS": "", "ASSUMED_CONTEXT": "",
			"METRIC_NAMESPACE": "RemotionAudit",
			"AUDITOR_ID":       "remotion-audit",
			"HTTPS_FORMAT":     "chat", "REPEAT_AFTER": "24h", "READ_SCOPE": "account",
		}},
	})
	template.HasResourceProperties(jsii.String("AWS::Scheduler::Schedule"), map[string]any{
		"ScheduleExpression": "rate(1 hour)", "ScheduleExpressionTimezone": "UTC", "State": "ENABLED",
	})
	template.HasResourceProperties(jsii.String("AWS::Logs::LogGroup"),
		map[string]any{"RetentionInDays": 30})
	// The stack has no email subscription, no custom resource and no other resource that CDK adds.
	if got, want := resourceTypes(*template.ToJSON()), []string{
		"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Alarm",
		"AWS::CloudWatch::Alarm",
		"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Alarm",
		"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard",
		"AWS::IAM::Policy", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::Role", "AWS::KMS::Key",
		"AWS::Lambda::EventInvokeConfig",
		"AWS::Lambda::Function", "AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::S3::BucketPolicy",
		"AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy",
		"AWS::Scheduler::Schedule",
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("resources\n got %v\nwant %v", got, want)
	}
}

func resourceTypes(template map[string]any) []string {
	var types []string
	for _, r := range template["Resources"].(map[string]any) {
		types = append(types, r.(map[string]any)["Type"].(string))
	}
	slices.Sort(types)
	return types
}

func TestEveryPropReachesTheTemplate(t *testing.T) {
	stack, _ := newStack(t, &PermissionAuditorProps{
		Callers: jsii.Strings("none"), RenderRole: jsii.String("render"),
		RemotionVersion:    jsii.String("4.0.418"),
		Regions:            jsii.Strings("us-east-1", "eu-central-1"),
		Buckets:            jsii.Strings("site", "output"),
		AssumedContext:     jsii.Strings("aws:SourceVpc=vpc-1", "aws:SourceIp=203.0.113.7"),
		ScheduleExpression: jsii.String("cron(0 9 * * ? *)"), LongestInterval: jsii.String("24h"),
		AlertEmail:      jsii.String("ops@example.com"),
		MetricNamespace: jsii.String("Team/Remotion"), AuditorID: jsii.String("second"),
		HTTPSFormat: jsii.String("json"), RepeatAfter: jsii.String("72h"),
		EvidenceBucket: jsii.String("evidence"),
	})
	template := assertions.Template_FromStack(stack, nil)
	template.HasResourceProperties(jsii.String("AWS::Lambda::Function"), map[string]any{
		"Environment": map[string]any{"Variables": map[string]any{
			"CALLERS": "none", "RENDER_ROLE": "render", "REMOTION_VERSION": "4.0.418",
			"REGIONS": "us-east-1,eu-central-1",
			"BUCKETS": "site,output", "ASSUMED_CONTEXT": "aws:SourceVpc=vpc-1,aws:SourceIp=203.0.113.7",
			"METRIC_NAMESPACE": "Team/Remotion", "AUDITOR_ID": "second",
			"HTTPS_FORMAT": "json", "REPEAT_AFTER": "72h", "EVIDENCE_BUCKET": "evidence",
		}},
	})
	template.HasResourceProperties(jsii.String("AWS::Scheduler::Schedule"),
		map[string]any{"ScheduleExpression": "cron(0 9 * * ? *)",
			"FlexibleTimeWindow": map[string]any{"Mode": "OFF"}})
	template.HasResourceProperties(jsii.String("AWS::CloudWatch::Alarm"),
		map[string]any{"MetricName": "AuditCompleted", "Period": 3600, "EvaluationPeriods": 49})
	template.HasResourceProperties(jsii.String("AWS::SNS::Subscription"),
		map[string]any{"Protocol": "email", "Endpoint": "ops@example.com"})
	template.HasResourceProperties(jsii.String("AWS::IAM::Policy"),
		map[string]any{"PolicyDocument": map[string]any{
			"Statement": assertions.Match_ArrayWith(&[]any{assertions.Match_ObjectLike(&map[string]any{
				"Action":    "cloudwatch:PutMetricData",
				"Condition": map[string]any{"StringEquals": map[string]any{"cloudwatch:namespace": "Team/Remotion"}},
			})}),
		}})
}

func TestAccessors(t *testing.T) {
	stack, a := newStack(t, &PermissionAuditorProps{Callers: jsii.Strings("none")})
	for name, value := range map[string]*string{
		"Function": a.Function().FunctionArn(), "Role": a.Role().RoleArn(), "Topic": a.Topic().TopicArn(),
		"LogGroup": a.LogGroup().LogGroupName(), "Schedule": a.Schedule().Ref(),
		"EvidenceBucket": a.EvidenceBucket().BucketName(),
		"FailureQueue":   a.FailureQueue().QueueUrl(), "Dashboard": a.Dashboard().Ref(),
		"Alarms": a.Alarms()["GapsCritical"].AlarmArn(),
	} {
		if *value == "" {
			t.Errorf("%s is empty", name)
		}
	}
	// The auditor is a construct: it has a path and accepts children.
	constructs.NewConstruct(a, jsii.String("Child"))
	if path := *a.Node().Path(); path != "Stack/Auditor" {
		t.Errorf("path %q, want Stack/Auditor", path)
	}
	if NewPermissionAuditor(stack, "Second", &PermissionAuditorProps{Callers: jsii.Strings("none"),
		Code: cdktest.Code(t)}) == nil {
		t.Error("NewPermissionAuditor returns nil for a second auditor in the stack")
	}
}

func TestValidate(t *testing.T) {
	code := cdktest.Code(t)
	valid := func(change func(*PermissionAuditorProps)) *PermissionAuditorProps {
		p := &PermissionAuditorProps{Callers: jsii.Strings("user/render"), Code: code}
		change(p)
		return p
	}
	callers := func(entries ...string) func(*PermissionAuditorProps) {
		return func(p *PermissionAuditorProps) { p.Callers = jsii.Strings(entries...) }
	}
	scheduled := func(expression, longest string) func(*PermissionAuditorProps) {
		return func(p *PermissionAuditorProps) {
			p.ScheduleExpression, p.LongestInterval = &expression, &longest
		}
	}
	tests := []struct {
		name   string
		change func(*PermissionAuditorProps)
		want   string // in the error; empty if valid
	}{
		{"a user", callers("user/render"), ""},
		{"a user with a path and a purpose", callers("user/ci/render=deploy"), ""},
		{"a user whose name has an equals sign names its purpose", callers("user/a=b=all"), ""},
		{"a permission set", callers("sso/RemotionDeploy"), ""},
		{"an ARN in China", callers("arn:aws-cn:iam::123456789012:role/web=render"), ""},
		{"several callers", callers("user/a", "role/b=render", "arn:aws:iam::123456789012:user/c"), ""},
		{`only "none"`, callers("none"), ""},
		{"an empty list of callers", callers(), "Callers: required"},
		{"nil callers", func(p *PermissionAuditorProps) { p.Callers = nil }, "Callers: required"},
		{"a nil caller", func(p *PermissionAuditorProps) { p.Callers = &[]*string{nil} },
			"Callers: entry 0 is nil"},
		{"more callers than the environment can have", callers(slices.Repeat(
			[]string{"user/render-of-a-team"}, 180)...), "Environment: the environment of the function has"},
		{`"none" with another caller`, callers("none", "user/a"), `Callers: "none,user/a"`},
		{"a bare name", callers("render"), `Callers: "render"`},
		{"a mistyped purpose", callers("user/render=rendr"), `Callers: "user/render=rendr"`},
		{"a group", callers("group/ops"), `Callers: "group/ops"`},
		{"a federated user", callers("arn:aws:sts::123456789012:federated-user/web"), "Callers"},
		{"a session of a role", callers("arn:aws:sts::123456789012:assumed-role/web/session"), ""},
		{"a token is not checked", callers(*awscdk.Aws_ACCOUNT_ID()), ""},
		{"an ARN as render role", func(p *PermissionAuditorProps) {
			p.RenderRole = jsii.String("arn:aws:iam::123456789012:role/r")
		}, "RenderRole"},
		{"a release with a v", func(p *PermissionAuditorProps) {
			p.RemotionVersion = jsii.String("v4.0.418")
		}, "RemotionVersion"},
		{"regions of other partitions", func(p *PermissionAuditorProps) {
			p.Regions = jsii.Strings("us-iso-east-1", "us-gov-west-1")
		}, ""},
		{"an availability zone instead of a region", func(p *PermissionAuditorProps) {
			p.Regions = jsii.Strings("us-east-1a")
		}, "Regions"},
		{"a bucket with a path", func(p *PermissionAuditorProps) { p.Buckets = jsii.Strings("site/out") },
			"Buckets"},
		{"a context without a value", func(p *PermissionAuditorProps) {
			p.AssumedContext = jsii.Strings("aws:SourceVpc")
		}, "AssumedContext"},
		{"an interval of the template", func(p *PermissionAuditorProps) { p.Every = jsii.String("15m") },
			""},
		{"an interval that the template does not have", func(p *PermissionAuditorProps) {
			p.Every = jsii.String("30m")
		}, `Every: "30m" is not 15m, 1h, 6h, 12h or 1d`},
		{"an interval that is not known at synth", func(p *PermissionAuditorProps) {
			p.Every = awscdk.Aws_STACK_NAME()
		}, "Every: must be known at synth"},
		{"an interval and an expression", func(p *PermissionAuditorProps) {
			p.Every = jsii.String("1h")
			p.ScheduleExpression, p.LongestInterval = jsii.String("rate(1 hour)"), jsii.String("1h")
		}, "Every: has no effect with ScheduleExpression"},
		{"weekdays at nine with the longest interval",
			scheduled("cron(0 9 ? * MON-FRI *)", "73h"), ""},
		{"a rate with hours and minutes", scheduled("rate(90 minutes)", "1h30m"), ""},
		{"an expression that is not known at synth", func(p *PermissionAuditorProps) {
			p.ScheduleExpression, p.LongestInterval = awscdk.Aws_STACK_NAME(), jsii.String("1h")
		}, ""},
		{"an expression without the longest interval", func(p *PermissionAuditorProps) {
			p.ScheduleExpression = jsii.String("cron(0 9 * * ? *)")
		}, "LongestInterval: required with ScheduleExpression, because the alarms depend on it: set it " +
			"to the longest time between two runs, such as 25h for a daily run"},
		{"a longest interval without an expression", func(p *PermissionAuditorProps) {
			p.LongestInterval = jsii.String("25h")
		}, "LongestInterval: has no effect without ScheduleExpression"},
		{"a longest interval that is not known at synth", func(p *PermissionAuditorProps) {
			p.ScheduleExpression, p.LongestInterval = jsii.String("rate(1 hour)"), awscdk.Aws_STACK_NAME()
		}, "LongestInterval: must be known at synth"},
		{"the longest interval that an alarm can watch", scheduled("rate(5025 minutes)", "83h45m"), ""},
		{"a minute more than an alarm can watch", scheduled("rate(5026 minutes)", "83h46m"),
			"LongestInterval: must be at most 83h45m, because an alarm cannot watch more, got 83h46m"},
		{"the shortest interval", scheduled("rate(5 minutes)", "5m"), ""},
		{"runs that can overlap", scheduled("rate(4 minutes)", "4m"),
			"LongestInterval: must be at least 5m, got 4m"},
		{"a negative interval", scheduled("rate(1 hour)", "-1h"), "must be at least 5m, got -1h"},
		{"an interval in days", scheduled("rate(1 day)", "1d"), `LongestInterval: "1d" is not a number of`},
		{"an interval with seconds", scheduled("rate(1 hour)", "1h30s"), `"1h30s" is not a number of`},
		{"an empty interval", scheduled("rate(1 hour)", ""), "LongestInterval: required"},
		{"a bare word as an expression", scheduled("hourly", "1h"),
			`ScheduleExpression: "hourly" is not rate(…) or cron(…)`},
		{"a one-time schedule", scheduled("at(2030-01-01T00:00:00)", "1h"),
			"is not rate(…) or cron(…)"},
		{"an expression without its last parenthesis", scheduled("cron(0 9 * * ? *", "24h"),
			"is not rate(…) or cron(…)"},
		{"an empty expression", scheduled("", "24h"),
			"LongestInterval: has no effect without ScheduleExpression"},
		{"an empty expression and interval are not set", scheduled("", ""), ""},
		{"a time zone", func(p *PermissionAuditorProps) { p.TimeZone = jsii.String("Europe/Vienna") }, ""},
		{"an unknown time zone", func(p *PermissionAuditorProps) {
			p.TimeZone = jsii.String("Europe/Wien")
		}, `TimeZone: "Europe/Wien" is not a name of the IANA time zone database`},
		{"the time zone of this machine", func(p *PermissionAuditorProps) {
			p.TimeZone = jsii.String("Local")
		}, `TimeZone: "Local"`},
		{"a path instead of a time zone", func(p *PermissionAuditorProps) {
			p.TimeZone = jsii.String("../etc/passwd")
		}, `TimeZone: "../etc/passwd"`},
		{"a time zone that is not known at synth", func(p *PermissionAuditorProps) {
			p.TimeZone = awscdk.Aws_STACK_NAME()
		}, ""},
		{"an invalid read scope", func(p *PermissionAuditorProps) {
			p.ReadScope = jsii.String("all")
		}, "ReadScope"},
		{"read scope named without principals", func(p *PermissionAuditorProps) {
			p.ReadScope = jsii.String("named")
		},
			"NamedPrincipals"},
		{"principals without read scope named", func(p *PermissionAuditorProps) {
			p.NamedPrincipals = jsii.Strings("arn:aws:iam::123456789012:user/a")
		}, "NamedPrincipals"},
		{"a principal that is not an ARN", func(p *PermissionAuditorProps) {
			p.ReadScope, p.NamedPrincipals = jsii.String("named"), jsii.Strings("user/a")
		}, "NamedPrincipals"},
		{"a retention that CloudWatch Logs does not support", func(p *PermissionAuditorProps) {
			p.LogRetentionDays = jsii.Number(31)
		}, "LogRetentionDays"},
		{"a fraction of a day", func(p *PermissionAuditorProps) {
			p.ReportRetentionDays = jsii.Number(0.5)
		},
			"ReportRetentionDays"},
		{"a path without its last slash", func(p *PermissionAuditorProps) {
			p.RolePath = jsii.String("/audit")
		}, "RolePath"},
		{"an invalid email address", func(p *PermissionAuditorProps) {
			p.AlertEmail = jsii.String("ops")
		}, "AlertEmail"},
		{"a namespace of AWS", func(p *PermissionAuditorProps) {
			p.MetricNamespace = jsii.String("AWS/Lambda")
		}, "MetricNamespace"},
		{"an id with a space", func(p *PermissionAuditorProps) { p.AuditorID = jsii.String("my audit") },
			"AuditorID"},
		{"an invalid format", func(p *PermissionAuditorProps) { p.HTTPSFormat = jsii.String("xml") },
			"HTTPSFormat"},
		{"an invalid duration", func(p *PermissionAuditorProps) { p.RepeatAfter = jsii.String("a day") },
			"RepeatAfter"},
		{"a URL as evidence bucket", func(p *PermissionAuditorProps) {
			p.EvidenceBucket = jsii.String("s3://evidence")
		}, "EvidenceBucket"},
		{"a nil context", func(p *PermissionAuditorProps) { p.AssumedContext = &[]*string{nil} },
			"AssumedContext: entry 0 is nil"},
		{"a context without a prefix", func(p *PermissionAuditorProps) {
			p.AssumedContext = jsii.Strings("SourceVpc=vpc-1")
		}, "AssumedContext"},
		{"a context with two values", func(p *PermissionAuditorProps) {
			p.AssumedContext = jsii.Strings("aws:SourceVpc=vpc-1,vpc-2")
		}, "AssumedContext"},
		{"a nil principal", func(p *PermissionAuditorProps) {
			p.ReadScope, p.NamedPrincipals = jsii.String("named"), &[]*string{nil}
		}, "NamedPrincipals: entry 0 is nil"},
		{"an empty time zone", func(p *PermissionAuditorProps) { p.TimeZone = jsii.String("") },
			`TimeZone: "" is not a name`},
		{"a list that is not known at synth is not checked", func(p *PermissionAuditorProps) {
			p.Callers = awscdk.Fn_Split(jsii.String(","), awscdk.Aws_STACK_NAME(), nil)
		}, ""},
		{"a read scope that is not known at synth", func(p *PermissionAuditorProps) {
			p.ReadScope = awscdk.Aws_STACK_NAME()
		}, "ReadScope: must be known at synth"},
		{"principals that are not known at synth", func(p *PermissionAuditorProps) {
			p.ReadScope, p.NamedPrincipals = jsii.String("named"),
				awscdk.Fn_Split(jsii.String(","), awscdk.Aws_STACK_NAME(), nil)
		}, "NamedPrincipals: must be a list that is known at synth"},
		{"more principals than fit into a policy", func(p *PermissionAuditorProps) {
			p.ReadScope, p.NamedPrincipals = jsii.String("named"),
				jsii.Strings("arn:aws:iam::123456789012:user/"+strings.Repeat("a", 6500))
		}, "NamedPrincipals: have 6531 characters, at most 6500 fit into a role's policy"},
		{"a permission set without discovery", func(p *PermissionAuditorProps) {
			p.Callers, p.ReadScope, p.NamedPrincipals = jsii.Strings("sso/Video"), jsii.String("named"),
				jsii.Strings("arn:aws:iam::123456789012:user/a")
		}, "Callers: sso/Video: ReadScope \"named\" does not allow the search"},
		{"a FIFO topic", func(p *PermissionAuditorProps) {
			p.OpsTopic = awssns.Topic_FromTopicArn(cdktest.Stack(t), jsii.String("Ops"),
				jsii.String("arn:aws:sns:us-east-1:123456789012:ops.fifo"))
		}, "OpsTopic: is a FIFO topic"},
		{"a namespace that begins with a colon", func(p *PermissionAuditorProps) {
			p.MetricNamespace = jsii.String(":Remotion")
		}, "MetricNamespace"},
		{"a duration above the maximum", func(p *PermissionAuditorProps) {
			p.RepeatAfter = jsii.String("721h")
		}, "RepeatAfter"},
		{"no code, and the current directory is not in a module", func(p *PermissionAuditorProps) {
			p.Code = nil
		}, "Code: finding the function's source"},
	}
	t.Chdir(t.TempDir()) // not in a module
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := valid(tt.change).Validate()
			if tt.want == "" && err != nil || tt.want != "" &&
				(err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
	t.Run("the error contains all problems", func(t *testing.T) {
		err := (&PermissionAuditorProps{AuditorID: jsii.String(""),
			AlertEmail: jsii.String("ops")}).Validate()
		for _, want := range []string{"Callers", "AuditorID", "AlertEmail", "Code"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q in it", err, want)
			}
		}
	})
	t.Run("the construct panics with the error", func(t *testing.T) {
		defer func() {
			if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "Callers: required") {
				t.Errorf("panic %v, want the error of Validate", err)
			}
		}()
		NewPermissionAuditor(awscdk.NewStack(nil, nil, nil), "Auditor", nil)
	})
}

// TestGivenTopics checks that the function may use the key of a given topic, and that a topic must
// be in the region of the alarms.
func TestGivenTopics(t *testing.T) {
	app := cdktest.App(t)
	stack := awscdk.NewStack(app, jsii.String("Stack"),
		&awscdk.StackProps{Env: &awscdk.Environment{Region: jsii.String("eu-west-1")}})
	topic := awssns.NewTopic(stack, jsii.String("Alerts"),
		&awssns.TopicProps{MasterKey: awskms.NewKey(stack, jsii.String("Key"), nil)})
	NewPermissionAuditor(stack, "Auditor", &PermissionAuditorProps{Callers: jsii.Strings("none"),
		Code: cdktest.Code(t), AlertTopic: topic})
	data, err := json.Marshal(*assertions.Template_FromStack(stack, nil).ToJSON())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), `"EncryptAlerts"`) {
		t.Error("the function's role has no permission for the topic's key")
	}
	defer func() {
		if err, ok := recover().(error); !ok ||
			!strings.Contains(err.Error(), "PagerTopic is in us-east-1, but the stack is in eu-west-1") {
			t.Errorf("panic %v, want one about the topic's region", err)
		}
	}()
	NewPermissionAuditor(stack, "Second", &PermissionAuditorProps{Callers: jsii.Strings("none"),
		Code: cdktest.Code(t),
		PagerTopic: awssns.Topic_FromTopicArn(stack, jsii.String("Pager"),
			jsii.String("arn:aws:sns:us-east-1:123456789012:pager"))})
}

// TestFeatureFlags checks that the feature flags of CDK, which new apps enable, change only the
// order of lists in the template.
func TestFeatureFlags(t *testing.T) {
	synth := func(flags *map[string]any) any {
		app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()),
			AnalyticsReporting: jsii.Bool(false), Context: flags})
		stack := awscdk.NewStack(app, jsii.String("Stack"), nil)
		NewPermissionAuditor(stack, "Auditor", &PermissionAuditorProps{Callers: jsii.Strings("none"),
			Code: cdktest.Code(t), ReactToChanges: jsii.Bool(true), AlertEmail: jsii.String("ops@example.com")})
		return unordered((*assertions.Template_FromStack(stack, nil).ToJSON())["Resources"])
	}
	flags := map[string]any{}
	for _, flag := range []string{
		"aws-iam:minimizePolicies", "aws-s3:createDefaultLoggingPolicy",
		"aws-s3:publicAccessBlockedByDefault", "aws-lambda:createNewPoliciesWithAddToRolePolicy",
		"aws-lambda:useCdkManagedLogGroup", "aws-sns-subscriptions:restrictSqsDescryption",
		"aws-lambda:recognizeLayerVersion", "aws-kms:reduceCrossAccountRegionPolicyScope",
	} {
		flags["@aws-cdk/"+flag] = true
	}
	if with, without := synth(&flags), synth(nil); !reflect.DeepEqual(with, without) {
		t.Errorf("with flags\n%s\nwithout\n%s", asJSON(t, with), asJSON(t, without))
	}
}

// unordered returns v with sorted lists, so that the order of lists does not matter.
func unordered(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = unordered(v[i])
		}
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return list
	case map[string]any:
		m := map[string]any{}
		for key := range v {
			m[key] = unordered(v[key])
		}
		return m
	}
	return v
}

// TestTagsPropagate checks that the tags of the auditor are on all resources that support tags, so
// that cost reports are complete.
func TestTagsPropagate(t *testing.T) {
	stack, auditor := newStack(t, &PermissionAuditorProps{Callers: jsii.Strings("none"),
		ReactToChanges: jsii.Bool(true)})
	awscdk.Tags_Of(auditor).Add(jsii.String("team"), jsii.String("video"), nil)
	// CloudFormation does not support tags on these resource types.
	untagged := []string{
		"AWS::IAM::Policy", "AWS::Lambda::EventInvokeConfig", "AWS::S3::BucketPolicy",
		"AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::Scheduler::Schedule",
	}
	for id, r := range (*assertions.Template_FromStack(stack,
		nil).ToJSON())["Resources"].(map[string]any) {
		r := r.(map[string]any)
		kind := r["Type"].(string)
		tags, _ := json.Marshal(r["Properties"].(map[string]any)["Tags"])
		if got, want := strings.Contains(string(tags), `{"Key":"team","Value":"video"}`),
			!slices.Contains(untagged, kind); got != want {
			t.Errorf("%s (%s): tagged %v, want %v", id, kind, got, want)
		}
	}
}
