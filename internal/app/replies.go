package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/remotion-audit/remotion-audit/internal/jsonlimit"
)

// The limits of a reply of AWS, before the SDK decodes it. The largest real replies are pages of
// 100 roles and of 100 simulated actions: about 1.5 MB, with at most 20,000 elements in XML.
const (
	maxReply = 4 << 20
	// maxMarkup is the maximum number of tags and attributes of a reply in XML. The SDK takes up to
	// 500 bytes for an empty element.
	maxMarkup = 100_000
	// maxReplyHeader is the maximum length of the header of a reply.
	maxReplyHeader = 256 << 10
)

// replyLimits are the limits of a reply in JSON. A page has at most 50 functions. The SDK takes
// about 1 KB for an element of a list.
var replyLimits = jsonlimit.Limits{Bytes: maxReply, Depth: 40, Values: 100_000, Elements: 10_000}

// maxSmall is the number of tags or values above which a reply is large. Large replies are decoded
// one after another, so that twenty concurrent ones do not fill the memory of the function.
const maxSmall = 5000

// A limitError is the error of a reply above a limit. It is not retryable, because the next reply
// would have the same size.
type limitError struct{ error }

func (limitError) RetryableError() bool { return false }

// A replyLimiter limits the replies of all clients.
type replyLimiter struct {
	// large has one slot for the reply that is above maxSmall.
	large chan struct{}
}

// limit replaces the body of a reply by a body that is in memory and within the limits. A reply
// above a limit gets a body that fails to read with a limitError: after an error of the HTTP
// client, the SDK would retry the call. The body of an object in S3 stays as it is, because
// evidence.Bucket reads its first bytes only.
func (l replyLimiter) limit(req *http.Request, reply *http.Response) {
	if reply.Body == nil || reply.StatusCode < 300 &&
		req.URL.Query().Get("x-id") == "GetObject" {
		return
	}
	body := reply.Body
	var buffer bytes.Buffer
	buffer.Grow(int(min(max(reply.ContentLength, 0), maxReply) + bytes.MinRead))
	_, err := buffer.ReadFrom(io.LimitReader(body, maxReply+1))
	text := buffer.Bytes()
	large, tooLarge := checkReply(text)
	if tooLarge != nil {
		tooLarge = limitError{tooLarge}
	}
	if err = errors.Join(err, body.Close(), tooLarge); err != nil {
		reply.Body = io.NopCloser(failingReader{err})
		return
	}
	if !large {
		reply.Body = io.NopCloser(bytes.NewReader(text))
		return
	}
	select {
	case l.large <- struct{}{}:
		// The SDK closes the body when it has decoded the reply.
		release := sync.OnceFunc(func() { <-l.large })
		reply.Body = closer{bytes.NewReader(text), release}
	case <-req.Context().Done():
		reply.Body = io.NopCloser(failingReader{req.Context().Err()})
	}
}

// checkReply returns an error for a reply in JSON or XML that is above a limit. It reports whether
// the reply is large.
func checkReply(text []byte) (large bool, err error) {
	if len(text) > maxReply {
		return true, fmt.Errorf("the reply of AWS must have at most %d bytes", maxReply)
	}
	switch start := bytes.TrimLeft(text, " \t\r\n\ufeff"); {
	case bytes.HasPrefix(start, []byte("<")):
		// A tag begins with <, and an attribute contains =" or ='.
		n := bytes.Count(text, []byte("<")) + bytes.Count(text, []byte(`="`)) +
			bytes.Count(text, []byte("='"))
		if n > maxMarkup {
			return true, fmt.Errorf("the reply of AWS must have at most %d tags and attributes", maxMarkup)
		}
		return n > maxSmall, nil
	case bytes.HasPrefix(start, []byte("{")), bytes.HasPrefix(start, []byte("[")):
		if err := jsonlimit.Check(text, replyLimits); err != nil {
			return true, fmt.Errorf("reply of AWS: %w", err)
		}
		small := replyLimits
		small.Values = maxSmall
		return jsonlimit.Check(text, small) != nil, nil
	}
	return false, nil
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// A closer is a body that calls a function when it is closed.
type closer struct {
	io.Reader
	close func()
}

func (c closer) Close() error {
	c.close()
	return nil
}
