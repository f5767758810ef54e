package runtimeapi

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// A poll is a pending request of the process for an event.
type poll struct {
	deliver  chan<- delivery
	canceled <-chan struct{} // closed when the process has canceled the request
}

// A delivery is an event with the values of its headers.
type delivery struct {
	event       []byte
	requestID   string
	functionARN string
	deadline    time.Time
}

// An answer is the result of an invocation, or of a failed initialization.
type answer struct {
	payload   []byte
	failed    bool
	errorType string // from a header, for a payload without an error type
}

// A pendingInvocation is an invocation that awaits its answer.
type pendingInvocation struct {
	requestID string
	answer    chan answer // buffers one
}

// setPending allows the process to answer the invocation requestID once. It returns the channel of
// the answer.
func (p *process) setPending(requestID string) <-chan answer {
	e := &pendingInvocation{requestID: requestID, answer: make(chan answer, 1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = e
	return e.answer
}

// takePending returns the pending invocation if it has the given request ID. It removes the
// invocation, so that the process cannot answer twice.
func (p *process) takePending(requestID string) (*pendingInvocation, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.current
	if e == nil || e.requestID != requestID {
		return nil, false
	}
	p.current = nil
	return e, true
}

// handler returns the handler of the Runtime API.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (p *process) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", p.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response",
		func(w http.ResponseWriter, r *http.Request) {
			p.postResult(w, r, false)
		})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error",
		func(w http.ResponseWriter, r *http.Request) {
			p.postResult(w, r, true)
		})
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", p.initError)
	return mux
}

// next waits for an event without a time limit, then sends it to the process.
func (p *process) next(w http.ResponseWriter, r *http.Request) {
	events := make(chan delivery)
	select {
	case p.polls <- &poll{deliver: events, canceled: r.Context().Done()}:
	case <-r.Context().Done():
		return
	}
	select {
	case d := <-events:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		// With this header, net/http sends a small answer in one write.
		h.Set("Content-Length", strconv.Itoa(len(d.event)))
		h.Set("Lambda-Runtime-Aws-Request-Id", d.requestID)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(d.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", d.functionARN)
		h.Set("Lambda-Runtime-Trace-Id", newTraceID())
		_, _ = w.Write(d.event) // a process that hangs up polls again, or ends
	case <-r.Context().Done():
	}
}

// postResult accepts a response or an error for the pending invocation.
func (p *process) postResult(w http.ResponseWriter, r *http.Request, failed bool) {
	payload, err := readBody(w, r)
	if tooLarge := (*http.MaxBytesError)(nil); err != nil && !errors.As(err, &tooLarge) {
		return // the process closed the connection
	}
	e, ok := p.takePending(r.PathValue("id"))
	if !ok {
		writeJSON(w, http.StatusBadRequest,
			errorBody{Type: "InvalidRequestID", Message: "Invalid request ID"})
		return
	}
	if err != nil {
		message := fmt.Sprintf("payload size exceeded maximum allowed payload size (%d bytes).",
			MaxPayload)
		// This is Lambda's text. Unlike the other platform errors, it has no request ID prefix.
		body, _ := json.Marshal(errorBody{Type: "Function.ResponseSizeTooLarge",
			Message: "Response " + message})
		e.answer <- answer{payload: body, failed: true}
		writeJSON(w, http.StatusRequestEntityTooLarge,
			errorBody{Type: "RequestEntityTooLarge", Message: "Exceeded " + message})
		return
	}
	a := answer{payload: payload, failed: failed,
		errorType: r.Header.Get("Lambda-Runtime-Function-Error-Type")}
	// A streamed response that failed midway has the error in its trailers.
	if typ := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); typ != "" {
		a.failed, a.errorType = true, typ
		encoded := r.Trailer.Get("Lambda-Runtime-Function-Error-Body")
		if body, err := base64.StdEncoding.DecodeString(encoded); err == nil && len(body) > 0 {
			a.payload = body
		}
	}
	e.answer <- a
	replyAccepted(w)
}

// initError accepts the reason why the function cannot start. It ignores
// later reasons.
func (p *process) initError(w http.ResponseWriter, r *http.Request) {
	payload, err := readBody(w, r)
	if err != nil {
		writeJSON(w, http.StatusRequestEntityTooLarge,
			errorBody{Type: "RequestEntityTooLarge", Message: err.Error()})
		return
	}
	select {
	case p.initErrors <- answer{payload: payload, failed: true,
		errorType: r.Header.Get("Lambda-Runtime-Function-Error-Type")}:
	default:
	}
	replyAccepted(w)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
}

func replyAccepted(w http.ResponseWriter) {
	writeJSON(w, http.StatusAccepted, struct {
		Status string `json:"status"`
	}{"OK"})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	data, _ := json.Marshal(body) // cannot fail: body contains only strings
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data) // a closed connection needs no answer
}

// newTraceID returns the value of an X-Ray trace header for a trace that is not sampled.
func newTraceID() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", uint32(time.Now().Unix()), b[:12], b[12:])
}
