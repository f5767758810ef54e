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

// A poll is a request for an event that waits for one.
type poll struct {
	deliver chan<- delivery
	gone    <-chan struct{} // closed when nobody waits any more
}

// A delivery is an event with what its headers say.
type delivery struct {
	event       []byte
	requestID   string
	functionARN string
	deadline    time.Time
}

// An answer is what is said for an invocation, or for one that could not begin.
type answer struct {
	payload   []byte
	failed    bool
	errorType string // from a header, for a payload that has none
}

// expected is an invocation whose answer is due.
type expected struct {
	requestID string
	answer    chan answer // holds one
}

// expect says that requestID is the invocation to be answered now, once.
func (p *process) expect(requestID string) <-chan answer {
	e := &expected{requestID: requestID, answer: make(chan answer, 1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = e
	return e.answer
}

// claim returns the invocation that requestID may answer, and lets nobody else answer it.
func (p *process) claim(requestID string) (*expected, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.current
	if e == nil || e.requestID != requestID {
		return nil, false
	}
	p.current = nil
	return e, true
}

// handler is the Runtime API. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (p *process) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", p.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response",
		func(w http.ResponseWriter, r *http.Request) {
			p.answered(w, r, false)
		})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error",
		func(w http.ResponseWriter, r *http.Request) {
			p.answered(w, r, true)
		})
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", p.initError)
	return mux
}

// next answers when there is an event, however long that takes.
func (p *process) next(w http.ResponseWriter, r *http.Request) {
	events := make(chan delivery)
	select {
	case p.polls <- &poll{deliver: events, gone: r.Context().Done()}:
	case <-r.Context().Done():
		return
	}
	select {
	case d := <-events:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(d.event))) // so that small answers leave in one write
		h.Set("Lambda-Runtime-Aws-Request-Id", d.requestID)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(d.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", d.functionARN)
		h.Set("Lambda-Runtime-Trace-Id", newTraceID())
		w.Write(d.event)
	case <-r.Context().Done():
	}
}

// answered takes a response or an error for the invocation under way.
func (p *process) answered(w http.ResponseWriter, r *http.Request, failed bool) {
	payload, err := readBody(w, r)
	if tooLarge := (*http.MaxBytesError)(nil); err != nil && !errors.As(err, &tooLarge) {
		return // cut off; there is nobody to tell
	}
	e, ok := p.claim(r.PathValue("id"))
	if !ok {
		reply(w, http.StatusBadRequest,
			errorBody{Type: "InvalidRequestID", Message: "Invalid request ID"})
		return
	}
	if err != nil {
		message := fmt.Sprintf("payload size exceeded maximum allowed payload size (%d bytes).",
			MaxPayload)
		// As Lambda words it, without the prefix of the other platform errors.
		body, _ := json.Marshal(errorBody{Type: "Function.ResponseSizeTooLarge",
			Message: "Response " + message})
		e.answer <- answer{payload: body, failed: true}
		reply(w, http.StatusRequestEntityTooLarge,
			errorBody{Type: "RequestEntityTooLarge", Message: "Exceeded " + message})
		return
	}
	a := answer{payload: payload, failed: failed,
		errorType: r.Header.Get("Lambda-Runtime-Function-Error-Type")}
	// A response whose reader broke off in the middle says so in trailers.
	if typ := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); typ != "" {
		a.failed, a.errorType = true, typ
		if body, err := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body")); err == nil && len(body) > 0 {
			a.payload = body
		}
	}
	e.answer <- a
	accepted(w)
}

// initError takes the reason why the function cannot start. The first one counts.
func (p *process) initError(w http.ResponseWriter, r *http.Request) {
	payload, err := readBody(w, r)
	if err != nil {
		reply(w, http.StatusRequestEntityTooLarge,
			errorBody{Type: "RequestEntityTooLarge", Message: err.Error()})
		return
	}
	select {
	case p.initErrors <- answer{payload: payload, failed: true,
		errorType: r.Header.Get("Lambda-Runtime-Function-Error-Type")}:
	default:
	}
	accepted(w)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
}

func accepted(w http.ResponseWriter) {
	reply(w, http.StatusAccepted, struct {
		Status string `json:"status"`
	}{"OK"})
}

func reply(w http.ResponseWriter, status int, body any) {
	data, _ := json.Marshal(body) // of strings, so it cannot fail
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	w.Write(data)
}

// newTraceID is an X-Ray header for a trace that nobody samples.
func newTraceID() string {
	var b [20]byte
	rand.Read(b[:])
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", uint32(time.Now().Unix()), b[:12], b[12:])
}
