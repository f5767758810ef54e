package cloudformation

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// serverless reads a function or a state machine of SAM. Without a Role, SAM creates one.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
func (b *builder) serverless(index int, id string, resource *tree.Value, condition string) error {
	isFunction := text(resource.Get("Type")) == "AWS::Serverless::Function"
	if given, err := b.property(resource, "Role"); err != nil {
		return err
	} else if given != nil {
		if !mayBeNull(given) {
			return nil // the function has a role of its own
		}
		condition = given.Text
	}
	p := b.add(index, id, resource, policyfile.Role, condition)
	p.Aliases = append(p.Aliases, p.Address)
	p.Address = id + "Role" // the logical id that SAM gives to the role
	p.name = tree.NewUnknown(resource.Place, generatedName+shorten(p.Address))
	if isFunction {
		if err := b.functionPolicies(p, resource); err != nil {
			return err
		}
	}
	policies, err := b.property(resource, "Policies")
	if err != nil {
		return err
	}
	for _, o := range options(policies, "") {
		d, err := b.serverlessPolicy(p, &o.value)
		if err != nil {
			return err
		}
		if err := b.give(p, optional(d, o)); err != nil {
			return err
		}
	}
	p.boundary, err = b.serverlessProperty(resource, "PermissionsBoundary")
	return err
}

// mayBeNull reports whether a value is one of several, and one of these is AWS::NoValue.
func mayBeNull(v *tree.Value) bool {
	return v.Kind == tree.Null || v.Kind == tree.Unknown &&
		slices.ContainsFunc(v.Items, func(one tree.Value) bool { return mayBeNull(&one) })
}

// serverlessProperty returns a property of a function, from Globals if the function does not set
// it. Globals has no roles and no policies.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
func (b *builder) serverlessProperty(resource *tree.Value, name string) (*tree.Value, error) {
	v, err := b.property(resource, name)
	if err != nil || v != nil || text(resource.Get("Type")) != "AWS::Serverless::Function" {
		return v, err
	}
	for _, ignored := range resource.Get("IgnoreGlobals").Elements() {
		if ignored.Text == "*" || ignored.Text == name {
			return nil, nil
		}
	}
	global := b.template.root.At("Globals", "Function", name)
	if global == nil {
		return nil, nil
	}
	resolved, err := b.resolveFinal(global)
	if err != nil || resolved.Kind == tree.Null {
		return nil, err
	}
	return &resolved, nil
}

// functionPolicies adds the policies that SAM gives to each role for a function, and those that
// follow from other properties. What the property DeadLetterQueue and the property Events add
// concerns queues and streams, which Remotion does not use.
func (b *builder) functionPolicies(p *principal, resource *tree.Value) error {
	add := func(path string) {
		p.Policies = append(p.Policies, policyfile.ManagedPolicy(
			arn.IAM(b.partitionName(), "aws", "policy/"+path), p.At))
	}
	for _, extra := range []struct{ property, path string }{
		{"DurableConfig", "service-role/AWSLambdaBasicDurableExecutionRolePolicy"},
		{"VpcConfig", "service-role/AWSLambdaVPCAccessExecutionRole"},
		{"Tracing", "AWSXRayDaemonWriteAccess"},
	} {
		v, err := b.serverlessProperty(resource, extra.property)
		switch {
		case err != nil:
			return err
		case v != nil && v.Text != "Disabled":
			add(extra.path)
		}
		if extra.property == "DurableConfig" && v == nil {
			add("service-role/AWSLambdaBasicExecutionRole")
		}
	}
	v, err := b.serverlessProperty(resource, "EventInvokeConfig")
	if err == nil && v != nil {
		p.Policies = append(p.Policies, openAllow("policies for EventInvokeConfig", v.Place))
	}
	return err
}

// openAllow returns a policy that allows something that is not known.
func openAllow(name string, place tree.Place) policyfile.Document {
	return policyfile.Document{Name: name, At: at(place),
		Bounds: policyfile.OpenBounds(name, place, false)}
}

// serverlessPolicy reads an element of Policies: the name or ARN of a managed policy, a policy
// document, or a policy template of SAM.
func (b *builder) serverlessPolicy(p *principal, v *tree.Value) (policyfile.Document, error) {
	switch {
	case v.Kind == tree.Map && v.Get("Statement") != nil:
		return b.document(v, "inline policy of "+p.Address)
	case v.Kind == tree.Map && len(v.Members) == 1:
		return b.policyTemplate(p, &v.Members[0])
	case v.Kind == tree.Map:
		return policyfile.Document{}, errorAt(v.Place, "a policy needs a Statement, or the name of one "+
			"policy template")
	case v.Kind == tree.String && v.Known() && !arn.HasPrefix(v.Text):
		return policyfile.ManagedPolicy(policyfile.AWSPolicyARN(b.partitionName(), v.Text),
			at(v.Place)), nil
	}
	return b.managedBy(v)
}

// policyTemplate returns the policy of a policy template of SAM. All of SAM's templates allow, and
// deny nothing. Each grants actions of one service.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-template-list.html
func (b *builder) policyTemplate(p *principal, m *tree.Member) (policyfile.Document, error) {
	name := shorten(m.Key + " of " + p.Address)
	if form, ok := policyTemplates[m.Key]; ok {
		document, err := b.expandTemplate(m, form)
		if err != nil {
			return policyfile.Document{}, err
		}
		d, err := b.document(&document, name)
		d.ByAWS = true // the template of the user cannot change it
		return d, err
	}
	d := openAllow(name, m.Place)
	d.ByAWS = true
	for service, prefixes := range templateServices {
		if !slices.ContainsFunc(prefixes, func(s string) bool { return strings.HasPrefix(m.Key, s) }) {
			continue
		}
		known, err := policyfile.BoundsOf(statementTree(m.Place, []string{service + ":*"},
			[]tree.Value{tree.NewString(m.Place, tree.Part{Text: "*"})}))
		if err != nil {
			return d, err
		}
		d.AtMost = known.AtMost
	}
	return d, nil
}

// statementTree returns a policy document with one Allow statement.
func statementTree(at tree.Place, actions []string, resources []tree.Value) tree.Value {
	list := func(items []tree.Value) tree.Value {
		return tree.Value{Kind: tree.List, Place: at, Items: items}
	}
	var names []tree.Value
	for _, action := range actions {
		names = append(names, tree.NewString(at, tree.Part{Text: action}))
	}
	text := func(s string) tree.Value { return tree.NewString(at, tree.Part{Text: s}) }
	return tree.Value{Kind: tree.Map, Place: at, Members: []tree.Member{
		{Key: "Version", Place: at, Value: text(iampolicy.Version)},
		{Key: "Statement", Place: at, Value: list([]tree.Value{{Kind: tree.Map, Place: at,
			Members: []tree.Member{
				{Key: "Effect", Place: at, Value: text("Allow")},
				{Key: "Action", Place: at, Value: list(names)},
				{Key: "Resource", Place: at, Value: list(resources)},
			}}})},
	}}
}

// expandTemplate returns the document of a policy template with its parameters.
func (b *builder) expandTemplate(m *tree.Member, form templateForm) (tree.Value, error) {
	parameter := m.Value.Get(form.parameter)
	if parameter == nil || !isScalar(parameter) && parameter.Kind != tree.Unknown {
		return tree.Value{}, errorAt(m.Place, "the policy template %s needs the parameter %s", m.Key,
			form.parameter)
	}
	own := map[string]tree.Value{form.parameter: *parameter}
	var resources []tree.Value
	for _, resource := range form.resources {
		v, err := b.substitute(m.Place, resource, own)
		if err != nil {
			return v, err
		}
		resources = append(resources, v)
	}
	return statementTree(m.Place, form.actions, resources), nil
}

// A templateForm is a policy template with one statement and one parameter.
type templateForm struct {
	parameter          string
	actions, resources []string
}

var bucketAndKeys = []string{"arn:${AWS::Partition}:s3:::${BucketName}",
	"arn:${AWS::Partition}:s3:::${BucketName}/*"}

// policyTemplates are the policy templates for the services that Remotion uses.
var policyTemplates = map[string]templateForm{
	"LambdaInvokePolicy": {"FunctionName", []string{"lambda:InvokeFunction"}, []string{
		"arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${FunctionName}*"}},
	"S3ReadPolicy": {"BucketName", []string{"s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation",
		"s3:GetObjectVersion", "s3:GetLifecycleConfiguration"}, bucketAndKeys},
	"S3WritePolicy": {"BucketName", []string{"s3:PutObject", "s3:PutObjectAcl",
		"s3:PutLifecycleConfiguration"}, bucketAndKeys},
	"S3CrudPolicy": {"BucketName", []string{"s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation",
		"s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectAcl", "s3:GetLifecycleConfiguration",
		"s3:PutLifecycleConfiguration", "s3:DeleteObject"}, bucketAndKeys},
}

// templateServices are the services of the other policy templates, by the starts of their names.
var templateServices = map[string][]string{
	"acm": {"Acm"}, "athena": {"Athena"}, "ce": {"CostExplorer"},
	"cloudformation": {"CloudFormation"}, "cloudwatch": {"CloudWatch"},
	"codecommit": {"CodeCommit"}, "codepipeline": {"CodePipeline"}, "comprehend": {"Comprehend"},
	"dynamodb": {"DynamoDB"}, "ec2": {"AMI", "EC2", "VPC"}, "ecs": {"Ecs"}, "eks": {"EKS"},
	"elasticfilesystem": {"EFS"}, "elasticmapreduce": {"ElasticMapReduce"}, "es": {"Elasticsearch"},
	"events": {"EventBridge"}, "firehose": {"Firehose"}, "kinesis": {"Kinesis"}, "kms": {"KMS"},
	"logs": {"FilterLogEvents"}, "mobileanalytics": {"MobileAnalytics"},
	"mobiletargeting": {"Pinpoint"}, "organizations": {"Organizations"}, "polly": {"Polly"},
	"rekognition": {"Rekognition"}, "route53": {"Route53"}, "s3": {"S3"},
	"sagemaker": {"SageMaker"}, "secretsmanager": {"AWSSecretsManager"},
	"serverlessrepo": {"ServerlessRepo"}, "ses": {"SES"}, "sns": {"SNS"}, "sqs": {"SQS"},
	"ssm": {"SSM"}, "states": {"StepFunctions"}, "textract": {"Textract"},
}
