package s3_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// A storeClient is an S3 client that sends the expected owner, like internal/evidence.
type storeClient struct {
	*s3.Client
	t *testing.T
}

func storeOf(t *testing.T, srv *awsemu.Server) storeClient {
	return storeClient{emutest.Connect(t, srv).S3, t}
}

func (c storeClient) put(key, text string, set ...func(*s3.PutObjectInput)) (string, error) {
	in := &s3.PutObjectInput{Bucket: aws.String("evidence"), Key: &key, Body: strings.NewReader(text),
		ExpectedBucketOwner: aws.String(service.DefaultAccount)}
	for _, f := range set {
		f(in)
	}
	out, err := c.PutObject(c.t.Context(), in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.ETag), nil
}

func (c storeClient) get(key string) (string, *s3.GetObjectOutput, error) {
	out, err := c.GetObject(c.t.Context(), &s3.GetObjectInput{Bucket: aws.String("evidence"),
		Key: &key, ExpectedBucketOwner: aws.String(service.DefaultAccount)})
	if err != nil {
		return "", nil, err
	}
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	return string(text), out, err
}

func ifMatch(etag string) func(*s3.PutObjectInput) {
	return func(in *s3.PutObjectInput) { in.IfMatch = &etag }
}

func ifAbsent(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }

func TestObjectsAreStoredUnchanged(t *testing.T) {
	srv := &awsemu.Server{Account: emutest.Evidence()}
	c := storeOf(t, srv)
	const text = "a b\n\x00ü"
	etag, err := c.put("a/b c+ü%.json", text, func(in *s3.PutObjectInput) {
		in.ContentType, in.Metadata = aws.String("application/json"), map[string]string{"run": "7"}
	})
	if err != nil {
		t.Fatal(err)
	}
	got, out, err := c.get("a/b c+ü%.json")
	if err != nil || got != text {
		t.Fatalf("%q, %v", got, err)
	}
	if *out.ETag != etag || *out.ContentType != "application/json" || out.Metadata["run"] != "7" ||
		*out.ContentLength != int64(len(text)) ||
		aws.ToString(out.VersionId) == "" || out.ChecksumCRC32 == nil ||
		out.ServerSideEncryption != types.ServerSideEncryptionAes256 {
		t.Errorf("%+v", out)
	}
	head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("evidence"),
		Key: aws.String("a/b c+ü%.json")})
	if err != nil || *head.ETag != etag || *head.ContentLength != int64(len(text)) {
		t.Errorf("%+v, %v", head, err)
	}
	if got, _, err := c.get("mutes.yaml"); err != nil || got != "mutes: []\n" {
		t.Errorf("an object of the account: %q, %v", got, err)
	}
	if objects := srv.Objects("evidence"); string(objects["a/b c+ü%.json"]) != text ||
		len(objects) != 2 || srv.Objects("none") != nil {
		t.Errorf("objects %q", objects)
	}
	for range 2 { // deleting again succeeds
		if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("evidence"),
			Key: aws.String("mutes.yaml")}); err != nil {
			t.Error(err)
		}
	}
	_, _, err = c.get("mutes.yaml")
	var missing *types.NoSuchKey
	if !errors.As(err, &missing) {
		t.Errorf("a deleted object: %v", err)
	}
}

func TestChecksumsAreVerifiedOnWritesAndReads(t *testing.T) {
	c := storeOf(t, &awsemu.Server{Account: emutest.Evidence()})
	for _, algorithm := range types.ChecksumAlgorithm("").Values() {
		_, err := c.put("x", "text", func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = algorithm })
		if err == nil {
			_, _, err = c.get("x") // the client verifies the checksum
		}
		// The SDK cannot compute every algorithm.
		if err != nil && !strings.Contains(err.Error(), "unknown checksum algorithm") {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
	_, err := c.put("x", "text", func(in *s3.PutObjectInput) {
		in.ChecksumSHA256 = aws.String(strings.Repeat("A", 43) + "=")
	})
	emutest.WantError(t, err, "BadDigest", "")
}

func TestConditionalWrites(t *testing.T) {
	c := storeOf(t, &awsemu.Server{Account: emutest.Evidence()})
	first, err := c.put("state", "1", ifAbsent)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.put("state", "1", ifAbsent)
	emutest.WantError(t, err, "PreconditionFailed", "")
	second, err := c.put("state", "2", ifMatch(first))
	if err != nil || second == first {
		t.Fatal(second, err)
	}
	_, err = c.put("state", "3", ifMatch(first))
	emutest.WantError(t, err, "PreconditionFailed", "")
	_, err = c.put("none", "3", ifMatch(first))
	emutest.WantError(t, err, "NoSuchKey", "")
	_, err = c.put("state", "3", func(in *s3.PutObjectInput) { in.IfNoneMatch = &second })
	emutest.WantError(t, err, "NotImplemented", "")
	if got, _, err := c.get("state"); got != "2" || err != nil {
		t.Errorf("after the refused writes the object is %q, %v", got, err)
	}
}

// TestTheRetryOfAConditionalWriteFails checks that the SDK's retry after a lost reply conflicts
// with the first attempt.
func TestTheRetryOfAConditionalWriteFails(t *testing.T) {
	srv := &awsemu.Server{Account: emutest.Evidence(),
		Faults: []awsemu.Fault{{Operation: "s3:PutObject", LoseReply: true, Times: 1}}}
	c := storeOf(t, srv)
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("evidence"),
		Key: aws.String("k"), Body: strings.NewReader("mine"), IfNoneMatch: aws.String("*")},
		func(o *s3.Options) { o.RetryMaxAttempts = 2 })
	emutest.WantError(t, err, "PreconditionFailed", "")
	if got, _, err := c.get("k"); got != "mine" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestS3ErrorCodes(t *testing.T) {
	srv := &awsemu.Server{Account: emutest.Evidence()}
	c := storeOf(t, srv)
	get := func(bucket, key, owner string) error {
		in := &s3.GetObjectInput{Bucket: &bucket, Key: &key}
		if owner != "" {
			in.ExpectedBucketOwner = &owner
		}
		_, err := c.GetObject(t.Context(), in)
		return err
	}
	conflict := awsemu.Fault{Operation: "s3:PutObject", Error: &awsemu.FaultError{Code: "ConditionalRequestConflict",
		Status: 409}}
	put := func() error { _, err := c.put("k", "x"); return err }
	for _, tt := range []struct {
		name, code string
		faults     []awsemu.Fault
		call       func() error
	}{
		{"a missing key", "NoSuchKey", nil, func() error { return get("evidence", "none", "") }},
		{"a missing key, without permission to list", "AccessDenied",
			[]awsemu.Fault{{Operation: "s3:ListObjectsV2", Deny: true}}, func() error {
				return get("evidence", "none", "")
			}},
		{"a missing bucket", "NoSuchBucket", nil, func() error { return get("nowhere", "k", "") }},
		{"a bucket of another owner than expected", "AccessDenied", nil, func() error {
			return get("foreign", "k", service.DefaultAccount)
		}},
		{"a missing key in a bucket of the expected owner", "NoSuchKey", nil, func() error {
			return get("foreign", "k", "999999999999")
		}},
		{"a bucket of another region", "PermanentRedirect", nil, func() error {
			return get("far", "k", "")
		}},
		{"a conflicting write", "ConditionalRequestConflict", []awsemu.Fault{conflict}, put},
		{"throttling", "SlowDown", []awsemu.Fault{{Operation: "s3:*", Throttle: true}}, put},
		{"no permission", "AccessDenied", []awsemu.Fault{{Operation: "s3:PutObject", Deny: true}}, put},
		{"a range of an object", "NotImplemented", nil, func() error {
			_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("evidence"),
				Key: aws.String("mutes.yaml"), Range: aws.String("bytes=0-1")})
			return err
		}},
		{"a version of an object", "NotImplemented", nil, func() error {
			_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("evidence"),
				Key: aws.String("mutes.yaml"), VersionId: aws.String("v")})
			return err
		}},
		{"an operation that is not offered", "NotImplemented", nil, func() error {
			_, err := c.GetBucketCors(t.Context(),
				&s3.GetBucketCorsInput{Bucket: aws.String("evidence")})
			return err
		}},
		{"a key that is too long", "KeyTooLongError", nil, func() error {
			_, err := c.put(strings.Repeat("k", 1025), "")
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv.SetFaults(tt.faults...)
			emutest.WantError(t, tt.call(), tt.code, "")
		})
	}
	srv.SetFaults(awsemu.Fault{Operation: "s3:GetObject", Deny: true})
	var api smithy.APIError
	if err := get("evidence", "a/b", ""); !errors.As(err, &api) ||
		!strings.Contains(api.ErrorMessage(),
			`s3:GetObject on resource: "arn:aws:s3:::evidence/a/b" because`) {
		t.Errorf("%v", err)
	}
	var gone *types.NotFound
	if _, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("evidence"),
		Key: aws.String("none")}); !errors.As(err, &gone) {
		t.Errorf("HeadObject of a missing key: %v", err)
	}
	calls := srv.Calls()
	if last := calls[len(calls)-1].Params; last["Bucket"] != "evidence" || last["Key"] != "none" {
		t.Errorf("recorded as %v", last)
	}
}

func TestKeysAreListedInPages(t *testing.T) {
	account := emutest.Evidence()
	for _, key := range []string{"reports/2026/1", "reports/2026/2", "reports/2027/1", "reports/x",
		"state/a"} {
		account.Buckets["evidence"].Objects[key] = key
	}
	c := storeOf(t, &awsemu.Server{Account: account})
	for _, tt := range []struct {
		in   s3.ListObjectsV2Input
		want string
	}{
		{s3.ListObjectsV2Input{},
			"mutes.yaml reports/2026/1 | reports/2026/2 reports/2027/1 | reports/x state/a"},
		{s3.ListObjectsV2Input{Prefix: aws.String("reports/"), MaxKeys: aws.Int32(1)},
			"reports/2026/1 | reports/2026/2 | reports/2027/1 | reports/x"},
		{s3.ListObjectsV2Input{Prefix: aws.String("reports/"), Delimiter: aws.String("/")},
			"reports/2026/ reports/2027/ | reports/x"},
		{s3.ListObjectsV2Input{StartAfter: aws.String("reports/2027/1")}, "reports/x state/a"},
		{s3.ListObjectsV2Input{Prefix: aws.String("none")}, ""},
	} {
		tt.in.Bucket = aws.String("evidence")
		var pages []string
		p := s3.NewListObjectsV2Paginator(c, &tt.in)
		for p.HasMorePages() {
			out, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, prefix := range out.CommonPrefixes {
				names = append(names, *prefix.Prefix)
			}
			for _, o := range out.Contents {
				names = append(names, *o.Key)
			}
			pages = append(pages, strings.Join(names, " "))
		}
		if got := strings.Join(pages, " | "); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// TestTheHostNamesTheBucket checks requests that have the bucket in the host name.
func TestTheHostNamesTheBucket(t *testing.T) {
	url := emutest.Listen(t, &awsemu.Server{Account: emutest.Evidence()})
	_, address, _ := strings.Cut(url, "//")
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context,
		network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}}
	_, port, _ := strings.Cut(address, ":")
	endpoint := "http://localhost:" + port
	c := emutest.Dial(t, url, emutest.AnyKey).S3
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("evidence"),
		Key: aws.String("mutes.yaml")},
		func(o *s3.Options) { o.BaseEndpoint, o.HTTPClient = &endpoint, client })
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if text, err := io.ReadAll(out.Body); string(text) != "mutes: []\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// TestChunkedBodies checks bodies in chunks with a trailing checksum. SDKs send such bodies over
// HTTPS, for example the Go SDK in PutObject.
func TestChunkedBodies(t *testing.T) {
	srv := &awsemu.Server{Account: emutest.Evidence()}
	url := emutest.Listen(t, srv)
	for _, tt := range []struct {
		name, body string
		status     int
	}{
		{"two chunks and a trailer",
			"4\r\ntext\r\n3;chunk-signature=ab\r\n on\r\n0\r\nx-amz-checksum-crc32:gK9UvQ==\r\n\r\n", 200},
		{"a wrong checksum", "7\r\ntext on\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", 400},
		{"a chunk that ends early", "9\r\ntext on\r\n", 400},
		{"a body without chunks", "text on", 400},
		{"a wrong decoded length", "4\r\ntext\r\n0\r\n\r\n", 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, text := emutest.Do(t, http.MethodPut, url+"/evidence/chunked", map[string]string{
				"Authorization":        emutest.Authorization(emutest.AnyKey, "us-east-1", "s3"),
				"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
				"Content-Encoding":     "gzip,aws-chunked", "X-Amz-Decoded-Content-Length": "7",
			}, tt.body)
			if resp.StatusCode != tt.status {
				t.Errorf("%d %s", resp.StatusCode, text)
			}
		})
	}
	text, out, err := storeOf(t, srv).get("chunked")
	if text != "text on" || err != nil || aws.ToString(out.ContentEncoding) != "gzip" {
		t.Errorf("%q %v %+v", text, err, out)
	}
}
