package lambda

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// layers are the reads of layer versions. Every version exists, except those that the account
// describes as deleted.
var layers = service.Table[call]{
	"GetLayerVersion":      {Do: inEnabledRegion(getLayerVersion), Needs: mayGetLayer},
	"GetLayerVersionByArn": {Do: inEnabledRegion(getLayerVersion), Needs: mayGetLayer},
}

var mayGetLayer = []service.Need[call]{{Action: "GetLayerVersion", Resource: layerVersionARN}}

// layerVersionARN returns the ARN of the layer version that a call names.
func layerVersionARN(c call) string {
	if c.Operation == "GetLayerVersionByArn" {
		return c.Params.Get("Arn")
	}
	name, version, found := strings.Cut(c.Params.Get("LayerVersion"), "/versions/")
	if !found {
		return ""
	}
	if !awsarn.HasPrefix(name) {
		name = awsarn.ARN{Partition: c.account.Partition, Service: "lambda", Region: c.Region,
			Account: c.account.ID, Resource: "layer:" + name}.String()
	}
	return name + ":" + version
}

// layerVersion matches the ARNs of layer versions.
var layerVersion = regexp.MustCompile(
	`^arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:layer:[a-zA-Z0-9_-]+:\d+$`)

// IsLayerVersion reports whether a text is the ARN of a layer version.
func IsLayerVersion(arn string) bool { return layerVersion.MatchString(arn) }

// getLayerVersion returns a layer version. The error for a version that does not exist depends on
// the owner: AWS does not reveal which versions of other accounts exist.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetLayerVersion.html
func getLayerVersion(c call) (any, error) {
	arn := layerVersionARN(c)
	if !layerVersion.MatchString(arn) {
		return nil, badParameter("the ARN of a layer version is arn:aws:lambda:REGION:ACCOUNT:layer:"+
			"NAME:VERSION, got %q", arn)
	}
	if err := c.checkLayer(arn, wire.Refuse(http.StatusNotFound, "ResourceNotFoundException",
		"The resource you requested does not exist.")); err != nil {
		return nil, err
	}
	at := strings.LastIndexByte(arn, ':')
	version, _ := strconv.Atoi(arn[at+1:])
	type contentJSON struct {
		Location, CodeSha256 string
		CodeSize             int64
	}
	return struct {
		Content                                contentJSON
		LayerArn, LayerVersionArn, Description string
		CreatedDate                            string
		Version                                int
	}{contentJSON{"https://example.com/" + arn, codeHash, codeSize}, arn[:at], arn, "",
		created(arn), version}, nil
}

// checkLayer returns an error for a layer version that is deleted: missing for one of the account.
func (c call) checkLayer(arn string, missing *wire.Error) error {
	if !slices.Contains(c.deletedLayers, arn) {
		return nil
	}
	if a, _ := awsarn.Parse(arn); a.Account == c.account.ID {
		return missing
	}
	return wire.Refuse(http.StatusForbidden, "AccessDeniedException",
		"User: %s is not authorized to perform: lambda:GetLayerVersion on resource: %s because no "+
			"resource-based policy allows the lambda:GetLayerVersion action", c.Caller.ARN, arn)
}

// checkLayers returns an error if a call attaches a layer version that is deleted.
func (c call) checkLayers() error {
	for _, arn := range attachedLayers(c) {
		if err := c.checkLayer(arn, badParameter("Layer version %s does not exist.", arn)); err != nil {
			return err
		}
	}
	return nil
}
