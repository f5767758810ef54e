package s3

import (
	"io"
	"net/http"
	"net/url"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// Control is S3 Control: the settings of the account. Its requests have the credential scope of S3.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_AWS_S3_Control.html
type Control struct{ *Service }

// Control returns the service for the settings of the account.
func (s *Service) Control() Control { return Control{s} }

const accessBlockPath = "/v20180820/configuration/publicAccessBlock"

var controlOperations = service.Table[call]{
	"GetPublicAccessBlock": {Do: ofAccount(getAccountBlock),
		Needs: []service.Need[call]{{Action: "GetAccountPublicAccessBlock"}}},
	"PutPublicAccessBlock":    {Do: ofAccount(putAccountBlock), Needs: mayPutAccountBlock},
	"DeletePublicAccessBlock": {Do: ofAccount(deleteAccountBlock), Needs: mayPutAccountBlock},
}

var mayPutAccountBlock = []service.Need[call]{{Action: "PutAccountPublicAccessBlock"}}

// Definition implements [service.Service].
func (s Control) Definition() service.Definition {
	d := s.Service.Definition()
	d.Name, d.Version = "s3control", "2018-08-20"
	d.XMLNS = "http://awss3control.amazonaws.com/doc/2018-08-20/"
	d.Accepts = func(r *http.Request) bool { return r.URL.Path == accessBlockPath }
	d.Parse = parseControl
	d.Operations = service.Bind(func(c *service.Call) call {
		return call{Call: c, Service: s.Service}
	}, controlOperations)
	return d
}

// parseControl parses a request for S3 Control.
func parseControl(req *wire.Request, r *http.Request) *wire.Error {
	req.Protocol = wire.RestXML{Wrapped: true}
	req.Header, req.Query = r.Header, r.URL.Query()
	req.Params = url.Values{"AccountId": {r.Header.Get("X-Amz-Account-Id")}}
	req.Operation = map[string]string{http.MethodGet: "GetPublicAccessBlock",
		http.MethodPut: "PutPublicAccessBlock", http.MethodDelete: "DeletePublicAccessBlock"}[r.Method]
	if req.Operation == "" {
		return wire.Refuse(http.StatusMethodNotAllowed, "MethodNotAllowed",
			"The specified method is not allowed against this resource.")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, wire.MaxBody))
	if err != nil {
		return wire.Refuse(http.StatusBadRequest, "IncompleteBody", "the body cannot be read: %v", err)
	}
	req.Body = body
	return nil
}

// ofAccount wraps an operation on the settings of the account that a call names. It has to be the
// account of the caller.
func ofAccount(do func(call) (any, error)) func(call) (any, error) {
	return func(c call) (any, error) {
		switch c.Params.Get("AccountId") {
		case "":
			return nil, wire.Refuse(http.StatusBadRequest, "InvalidRequest",
				"Missing required header for this request: x-amz-account-id")
		case c.account.ID:
			return do(c)
		}
		return nil, accessDenied()
	}
}

func getAccountBlock(c call) (any, error) {
	if c.accessBlock == nil {
		return nil, noAccessBlock()
	}
	body := accessBlockXML{PublicAccessBlock: *c.accessBlock}
	body.XMLName.Local = "PublicAccessBlockConfiguration"
	body.XMLName.Space = c.Call.Service.XMLNS
	return wire.RestResult{Body: body}, nil
}

func putAccountBlock(c call) (any, error) {
	block, err := readAccessBlock(c)
	if err != nil {
		return nil, err
	}
	c.accessBlock = block
	return wire.RestResult{Status: http.StatusCreated}, nil
}

func deleteAccountBlock(c call) (any, error) {
	c.accessBlock = nil
	return wire.RestResult{Status: http.StatusNoContent}, nil
}
