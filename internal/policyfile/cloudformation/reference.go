package cloudformation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// reference returns the value of a Ref: a pseudo parameter, a parameter or a resource.
func (r *resolver) reference(at tree.Place, name string) (tree.Value, error) {
	if strings.HasPrefix(name, "AWS::") {
		return r.pseudo(at, name)
	}
	if p := r.parameters[name]; p != nil {
		return r.parameter(at, name, p)
	}
	if r.resources[name] != nil {
		id, err := r.identity(name)
		return placed(id.ref, at), err
	}
	if r.transforms { // the transform can add the resource, as SAM adds roles
		return tree.NewUnknown(at, generatedName+shorten(name)), nil
	}
	return tree.Value{}, errorAt(at, "%.100s is neither a parameter nor a resource of the template",
		name)
}

// placed returns a value at another place: an error about it is about the place that refers to it.
func placed(v tree.Value, at tree.Place) tree.Value {
	v.Place = at
	return v
}

// pseudo returns the value of a pseudo parameter.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
func (r *resolver) pseudo(at tree.Place, name string) (tree.Value, error) {
	known := ""
	switch name {
	case "AWS::NoValue":
		return tree.Value{Place: at}, nil
	case "AWS::AccountId":
		known = r.values.Account
	case "AWS::Region":
		known = r.values.Region
	case "AWS::Partition":
		known = r.partitionName()
	case "AWS::URLSuffix":
		switch r.partitionName() {
		case "aws", "aws-us-gov":
			known = "amazonaws.com"
		case "aws-cn":
			known = "amazonaws.com.cn"
		}
	case "AWS::StackName", "AWS::StackId", "AWS::NotificationARNs":
	default:
		return tree.Value{}, errorAt(at, "%.100s is no pseudo parameter", name)
	}
	if known == "" {
		return tree.NewUnknown(at, name), nil
	}
	return tree.NewString(at, tree.Part{Text: known}), nil
}

// partitions are the partitions of the regions that do not belong to aws, by their prefixes.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
var partitions = []struct{ prefix, partition string }{
	{"cn-", "aws-cn"}, {"us-gov-", "aws-us-gov"}, {"eusc-", "aws-eusc"},
	{"us-iso-", "aws-iso"}, {"us-isob-", "aws-iso-b"}, {"eu-isoe-", "aws-iso-e"},
	{"us-isof-", "aws-iso-f"},
}

func (r *resolver) partitionName() string {
	if r.values.Partition != "" {
		return r.values.Partition
	}
	for _, p := range partitions {
		if strings.HasPrefix(r.values.Region, p.prefix) {
			return p.partition
		}
	}
	r.partition = r.values.Region == ""
	return "aws"
}

// parameter returns the value of a parameter: the given one, or the default.
func (r *resolver) parameter(at tree.Place, name string, p *tree.Value) (tree.Value, error) {
	kind := text(p.Get("Type"))
	open := tree.NewUnknown(at, shorten("parameter "+name))
	if strings.HasPrefix(kind, "AWS::SSM::Parameter::") { // its value is a name in Parameter Store
		return tree.NewUnknown(at, shorten("parameter "+name+", whose value Parameter Store has")), nil
	}
	value, given := r.values.Parameters[name]
	if !given {
		hidden := p.Get("NoEcho")
		standard := p.Get("Default")
		switch {
		case standard == nil, hidden != nil && strings.EqualFold(hidden.Text, "true"):
			return open, nil
		case !isScalar(standard) || standard.Tag != "":
			return open, errorAt(standard.Place, "parameter %.100s: Default must be a text, got %v", name,
				standard.Kind)
		}
		value = standard.Text
		r.defaults = textfmt.AppendNew(r.defaults, name)
	}
	if err := r.spend(at, valueSize+len(value)); err != nil {
		return open, err
	}
	if kind != "CommaDelimitedList" && !strings.HasPrefix(kind, "List<") {
		return tree.NewString(at, tree.Part{Text: value}), nil
	}
	list := tree.Value{Kind: tree.List, Place: at}
	for element := range strings.SplitSeq(value, ",") {
		list.Items = append(list.Items, tree.NewString(at, tree.Part{Text: strings.TrimSpace(element)}))
	}
	return list, r.spend(at, valueSize*len(list.Items))
}

// assumptions returns the notes about values that the user did not give.
func (r *resolver) assumptions() (notes []string) {
	if n := len(r.defaults); n > 0 {
		slices.Sort(r.defaults)
		notes = append(notes, fmt.Sprintf("the %s of the %s %s %s used: set another value with "+
			"--parameter NAME=VALUE", textfmt.Verb(n, "default", "defaults"),
			textfmt.Verb(n, "parameter", "parameters"), textfmt.Enumerate(r.defaults, 10),
			textfmt.Verb(n, "is", "are")))
	}
	if r.partition {
		notes = append(notes, "AWS::Partition is taken as aws: name a region of another partition with "+
			"--regions")
	}
	return notes
}

// getAtt returns the value of an Fn::GetAtt.
func (r *resolver) getAtt(at tree.Place, argument *tree.Value) (tree.Value, error) {
	var id, attribute string
	switch parts := argument.Elements(); {
	case text(argument) != "":
		id, attribute, _ = strings.Cut(argument.Text, ".")
	case argument.Kind == tree.List && len(parts) == 2:
		id = text(&parts[0])
		v, err := r.scalar(&parts[1])
		if err != nil {
			return v, err
		}
		if !v.Known() {
			return tree.NewUnknown(at, firstUnknown(&v)), nil
		}
		attribute = v.Text
	}
	if id == "" || attribute == "" {
		return tree.Value{}, errorAt(at, "Fn::GetAtt needs a resource and an attribute, such as "+
			"Role.Arn")
	}
	return r.attribute(at, id, attribute)
}

// attribute returns the value of an attribute of a resource.
func (r *resolver) attribute(at tree.Place, id, attribute string) (tree.Value, error) {
	open := tree.NewUnknown(at, shorten("Fn::GetAtt "+id+"."+attribute))
	if r.resources[id] == nil {
		if role := r.resources[strings.TrimSuffix(id, "Role")]; attribute == "Arn" &&
			strings.HasPrefix(text(role.Get("Type")), "AWS::Serverless::") {
			// SAM creates the role.
			return r.substitute(at, iamARN+"role${Path}${Name}", map[string]tree.Value{
				"Path": tree.NewUnknown(at, "path of "+shorten(id)),
				"Name": tree.NewUnknown(at, generatedName+shorten(id)),
			})
		}
		if r.transforms {
			return open, nil
		}
		return open, errorAt(at, "Fn::GetAtt: %.100s is no resource of the template", id)
	}
	identity, err := r.identity(id)
	if err != nil {
		return open, err
	}
	if v, ok := identity.attributes[attribute]; ok {
		r.partitionName() // the value depends on it
		return placed(v, at), nil
	}
	return open, nil
}

// An identity is what Ref and GetAtt return for a resource.
type identity struct {
	// name is the name of the resource; not set for a type that is not in identityForms.
	name, ref  tree.Value
	attributes map[string]tree.Value
}

// generatedName is in front of the logical id in the name of an unknown part: the name that
// CloudFormation generates for a resource.
const generatedName = "name of "

// An identityForm says how the identity of a type of resource follows from its properties.
type identityForm struct {
	// property has the name.
	property string
	// arn is a text of Fn::Sub with the variables Name and Path.
	arn string
	// refIsARN is true if Ref returns the ARN in place of the name.
	refIsARN bool
	// attributes are the attributes with the ARN, and with the name.
	arnAttribute, nameAttribute string
}

const iamARN = "arn:${AWS::Partition}:iam::${AWS::AccountId}:"

// functionARN is the ARN of a function of Lambda.
const functionARN = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${Name}"

// identityForms are the types of resources that policies for Remotion name.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
var identityForms = map[string]identityForm{
	"AWS::S3::Bucket": {property: "BucketName", arnAttribute: "Arn",
		arn: "arn:${AWS::Partition}:s3:::${Name}"},
	"AWS::IAM::Role": {property: "RoleName", arnAttribute: "Arn",
		arn: iamARN + "role${Path}${Name}"},
	"AWS::IAM::User": {property: "UserName", arnAttribute: "Arn",
		arn: iamARN + "user${Path}${Name}"},
	"AWS::IAM::Group": {property: "GroupName", arnAttribute: "Arn",
		arn: iamARN + "group${Path}${Name}"},
	"AWS::IAM::Policy": {property: "PolicyName"},
	"AWS::IAM::ManagedPolicy": {property: "ManagedPolicyName", arn: iamARN + "policy${Path}${Name}",
		refIsARN: true, arnAttribute: "PolicyArn"},
	"AWS::Lambda::Function":     {property: "FunctionName", arn: functionARN, arnAttribute: "Arn"},
	"AWS::Serverless::Function": {property: "FunctionName", arn: functionARN, arnAttribute: "Arn"},
	"AWS::Logs::LogGroup": {property: "LogGroupName", arnAttribute: "Arn",
		arn: "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Name}:*"},
	"AWS::SNS::Topic": {property: "TopicName", refIsARN: true, arnAttribute: "TopicArn",
		nameAttribute: "TopicName",
		arn:           "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:${Name}"},
	"AWS::SQS::Queue": {property: "QueueName", arnAttribute: "Arn", nameAttribute: "QueueName",
		arn: "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${Name}"},
	"AWS::DynamoDB::Table": {property: "TableName", arnAttribute: "Arn",
		arn: "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${Name}"},
}

// maxNames is the maximum number of resources whose names refer to one another in a chain.
const maxNames = 100

// identity returns the identity of a resource of the template.
func (r *resolver) identity(id string) (identity, error) {
	if known, ok := r.identities[id]; ok {
		return known, nil
	}
	resource := r.resources[id]
	form, ok := identityForms[text(resource.Get("Type"))]
	result := identity{ref: tree.NewUnknown(resource.Place, generatedName+shorten(id))}
	if !ok {
		r.identities[id] = result
		return result, nil
	}
	switch {
	case r.naming[id]:
		return result, errorAt(resource.Place, "the name of the resource %.100s depends on itself", id)
	case len(r.naming) >= maxNames:
		return result, errorAt(resource.Place, "more than %d names of resources depend on one another",
			maxNames)
	}
	r.naming[id] = true
	defer delete(r.naming, id)
	own := map[string]tree.Value{"Path": tree.NewString(resource.Place, tree.Part{Text: "/"}),
		"Name": result.ref}
	for variable, property := range map[string]string{"Name": form.property, "Path": "Path"} {
		properties := resource.Get("Properties")
		if properties != nil && functionSets(properties) {
			own[variable] = tree.NewUnknown(properties.Place, "property "+property+" of "+shorten(id))
			continue
		}
		p := properties.Get(property)
		if p == nil {
			continue
		}
		v, err := r.resolveFinal(p)
		switch {
		case err != nil:
			return result, err
		case (isScalar(&v) || v.Kind == tree.Unknown) && same(&v, &v):
			own[variable] = v
		case isScalar(&v) || v.Kind == tree.Unknown:
			// A part depends on an open condition. All references have to agree on one name for it.
			own[variable] = tree.NewUnknown(v.Place, "property "+property+" of "+shorten(id))
		case v.Kind != tree.Null:
			return result, errorAt(v.Place, "%s must be a text, got %v", property, v.Kind)
		}
	}
	name := own["Name"]
	result.name, result.ref = name, name
	result.attributes = map[string]tree.Value{}
	if form.nameAttribute != "" {
		result.attributes[form.nameAttribute] = name
	}
	if form.arn != "" {
		assumed := r.partition
		arn, err := r.substitute(resource.Place, form.arn, own)
		if err != nil {
			return result, err
		}
		r.partition = assumed // nothing has used the ARN so far
		result.attributes[form.arnAttribute] = arn
		if form.refIsARN {
			result.ref = arn
		}
	}
	r.identities[id] = result
	return result, nil
}
