package s3

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// multipart are the operations of uploads in parts.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
var multipart = service.Table[call]{
	"CreateMultipartUpload":   {Do: createMultipartUpload, Needs: mayPutObject},
	"UploadPart":              {Do: uploadPart, Needs: mayPutPart},
	"CompleteMultipartUpload": {Do: completeMultipartUpload, Needs: mayPutPart},
	"AbortMultipartUpload":    {Do: abortMultipartUpload, Needs: service.On(objectARN)},
}

var (
	// A part of an upload is decrypted with the key of the bucket when the upload is completed.
	mayPutPart = []service.Need[call]{{Action: "PutObject", Resource: objectARN},
		{Action: "kms:GenerateDataKey", Resource: keyOfBucket},
		{Action: "kms:Decrypt", Resource: keyOfBucket}}
	mayPutObject = []service.Need[call]{{Action: "PutObject", Resource: objectARN},
		{Action: "PutObjectAcl", Resource: withACL(objectARN)},
		{Action: "kms:GenerateDataKey", Resource: keyOfBucket}}
)

// maxParts is the maximum number of parts of an upload, and maxUploads is the maximum number of
// uploads that are neither complete nor aborted. S3 does not limit that number.
const maxParts, maxUploads = 10_000, 1000

// An upload is an upload in parts that is neither complete nor aborted.
type upload struct {
	bucket, key string
	header      http.Header
	parts       map[int][]byte
}

// multipartOperation returns the operation of a request for an object, or an empty string.
func multipartOperation(method string, query map[string][]string) string {
	switch {
	case query["uploads"] != nil && method == http.MethodPost:
		return "CreateMultipartUpload"
	case query["uploadId"] == nil:
		return ""
	}
	return map[string]string{http.MethodPut: "UploadPart", http.MethodPost: "CompleteMultipartUpload",
		http.MethodDelete: "AbortMultipartUpload"}[method]
}

func createMultipartUpload(c call) (any, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	switch {
	case len(c.key) > maxKey:
		return nil, wire.Refuse(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	case len(c.uploads) >= maxUploads:
		return nil, wire.Refuse(http.StatusServiceUnavailable, "SlowDown",
			"the embedded AWS accepts at most %d open uploads: complete or abort some", maxUploads)
	case c.uploads == nil:
		c.uploads = make(map[string]*upload)
	}
	if err := c.checkObjectACL(b); err != nil {
		return nil, err
	}
	header, err := c.encryptionHeader(b)
	if err != nil {
		return nil, err
	}
	id := fmt.Sprintf("upload-%012d", c.account.Next())
	c.uploads[id] = &upload{bucket: b.name, key: c.key, header: c.Header,
		parts: make(map[int][]byte)}
	return wire.RestResult{Header: header, Body: struct {
		XMLName     xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket, Key string
		UploadID    string `xml:"UploadId"`
	}{Bucket: b.name, Key: c.key, UploadID: id}}, nil
}

// upload returns the bucket and the upload of a call.
func (c call) upload() (*bucket, *upload, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, nil, err
	}
	u := c.uploads[c.Query.Get("uploadId")]
	if u == nil || u.bucket != b.name || u.key != c.key {
		return nil, nil, wire.Refuse(http.StatusNotFound, "NoSuchUpload",
			"The specified upload does not exist. The upload ID may be invalid, or the upload may have "+
				"been aborted or completed.")
	}
	return b, u, nil
}

func uploadPart(c call) (any, error) {
	_, u, err := c.upload()
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(c.Query.Get("partNumber"))
	if err != nil || number < 1 || number > maxParts {
		return nil, wire.Refuse(http.StatusBadRequest, "InvalidArgument",
			"Part number must be an integer between 1 and %d, inclusive", maxParts)
	}
	sent, problem := verifyChecksums(c.Body, c.Header)
	if problem != nil {
		return nil, problem
	}
	size := len(c.Body)
	for other, part := range u.parts {
		if other != number {
			size += len(part)
		}
	}
	if size > maxObject {
		return nil, entityTooLarge()
	}
	u.parts[number] = c.Body
	header := http.Header{"Etag": {etagOf(c.Body)}}
	if sent.header != "" {
		header.Set(sent.header, sent.value)
	}
	return wire.RestResult{Header: header}, nil
}

// completeMultipartUpload joins the parts that the request lists. Unlike on S3, a part can be
// smaller than 5 MB, and the ETag is that of an object that was uploaded at once.
func completeMultipartUpload(c call) (any, error) {
	b, u, err := c.upload()
	if err != nil {
		return nil, err
	}
	var input struct {
		Parts []struct{ PartNumber int } `xml:"Part"`
	}
	if err := xml.Unmarshal(c.Body, &input); err != nil || len(input.Parts) == 0 {
		return nil, malformedXML()
	}
	if err := c.checkConditions(b); err != nil {
		return nil, err
	}
	var body []byte
	last := 0
	for _, part := range input.Parts {
		text, found := u.parts[part.PartNumber]
		switch {
		case !found:
			return nil, wire.Refuse(http.StatusBadRequest, "InvalidPart",
				"One or more of the specified parts could not be found.")
		case part.PartNumber <= last:
			return nil, wire.Refuse(http.StatusBadRequest, "InvalidPartOrder",
				"The list of parts was not in ascending order.")
		}
		last = part.PartNumber
		body = append(body, text...)
	}
	o := &object{body: body, modified: c.Now(), header: objectHeader(u.header), key: keyOfBucket(c)}
	if o.encryption, err = c.encryptionHeader(b); err != nil {
		return nil, err
	}
	b.put(c.account, c.key, o)
	delete(c.uploads, c.Query.Get("uploadId"))
	return wire.RestResult{Body: struct {
		XMLName     xml.Name `xml:"CompleteMultipartUploadResult"`
		Bucket, Key string
		ETag        string
	}{Bucket: b.name, Key: c.key, ETag: o.etag}}, nil
}

func abortMultipartUpload(c call) (any, error) {
	if _, _, err := c.upload(); err != nil {
		return nil, err
	}
	delete(c.uploads, c.Query.Get("uploadId"))
	return wire.RestResult{Status: http.StatusNoContent}, nil
}
