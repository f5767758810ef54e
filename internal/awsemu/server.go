package awsemu

import (
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// maxBody is the largest request that is read, after decompression. CloudWatch's largest is 1 MB,
// and a percent-encoded SNS message of 256 KiB stays below that.
const maxBody = 4 << 20

// A Server is the embedded AWS. Its zero value is an empty account; it serves HTTP by itself or
// through [Server.Listen]. Its fields are read when the first request comes and must not change
// after that; its methods may be used at any time from many goroutines.
type Server struct {
	// Account is what the account holds. Nil is an empty account, 123456789012.
	Account *Account
	// Faults go wrong beside those of the account, from the start.
	Faults []Fault
	// PageSize is the number of items of a page, and of actions in a simulation, if the account
	// says. Zero leaves it to the account, and if that does not say, pages have two.
	PageSize int
	// EnforceIAM refuses callers what their own policies do not allow: identity policies, the boundary
	// and the organization's. The administrator may do everything in any case.
	EnforceIAM bool
	// Now is the clock behind dates and message times. Nil is time.Now.
	Now func() time.Time

	mu       sync.Mutex
	store    *store
	broken   error // why the account cannot be served
	traps    []*trap
	trapsSet bool
	requests int
	calls    []Call
	messages []Message
	metrics  []Datum
}

// start makes the store out of the account. The mutex is held.
func (s *Server) start() error {
	if s.store == nil && s.broken == nil {
		s.store, s.broken = newStore(s.Account)
		if !s.trapsSet {
			var faults []Fault
			if s.Account != nil {
				faults = s.Account.Faults
			}
			s.traps = newTraps(slices.Concat(faults, s.Faults))
		}
	}
	return s.broken
}

// SetFaults replaces every fault, those of the account too, and starts their counts anew.
func (s *Server) SetFaults(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.traps, s.trapsSet = newTraps(faults), true
}

// AddFaults adds faults after those that are set, whose counts go on.
func (s *Server) AddFaults(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.start() // the account's faults come first; a broken account shows in the first reply
	s.traps, s.trapsSet = append(s.traps, newTraps(faults)...), true
}

// Calls returns the requests got so far in the order their replies were ready.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Messages returns the messages published so far.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Metrics returns the datums put so far.
func (s *Server) Metrics() []Datum {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.metrics)
}

// Reset forgets the calls, messages and metrics. The account and the faults stay as they are.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.messages, s.metrics = nil, nil, nil
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// A reply is all that goes back to the client.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ask, problem := read(r)
	var rep reply
	if problem != nil {
		rep = ask.protocol.fail(ask.service, s.requestID(), problem)
	} else {
		var sent bool
		if rep, sent = s.serve(r.Context(), ask); !sent {
			drop(w)
			return
		}
	}
	header := w.Header()
	for name, values := range rep.header {
		header[name] = values
	}
	// With its length known the reply leaves in one piece: nothing waits for a second packet.
	header.Set("Content-Length", strconv.Itoa(len(rep.body)))
	w.WriteHeader(rep.status)
	// A write error means that the client has disconnected.
	_, _ = w.Write(rep.body)
}

// drop ends a request without an answer, as a connection does that breaks in the wrong moment.
func drop(w http.ResponseWriter) {
	if hijacker, ok := w.(http.Hijacker); ok {
		if conn, _, err := hijacker.Hijack(); err == nil {
			_ = conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// serve carries one request out. It reports false when no reply is to be sent.
func (s *Server) serve(ctx context.Context, ask request) (reply, bool) {
	started := time.Now()
	c, v, id := s.admit(ctx, ask)
	gone := sleep(ctx, v.delay)
	var result any
	problem := v.err
	if problem == nil && gone == nil {
		result, problem = s.carryOut(c)
	}
	var rep reply
	if problem == nil {
		var err error
		if rep, err = ask.protocol.succeed(ask.service, ask.operation, id, result); err != nil {
			problem = problemOf(err)
		}
	}
	record := Call{
		Service: ask.service.name, Operation: ask.operation, Region: c.region, Caller: c.caller.arn,
		Params: c.recorded(), Started: started, Lost: v.lose || gone != nil,
	}
	if problem != nil {
		record.Code = problem.code
		rep = ask.protocol.fail(ask.service, id, problem)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	record.Ended = time.Now()
	s.calls = keep(s.calls, record)
	return rep, !record.Lost
}

// admit finds out who calls, and what the faults have to say to it.
func (s *Server) admit(ctx context.Context, ask request) (*call, verdict, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &call{Server: s, request: ask, ctx: ctx, region: cmp.Or(ask.scope.region, defaultRegion)}
	if err := s.start(); err != nil {
		return c, verdict{err: refuse(http.StatusInternalServerError, "InternalFailure", "%v", err)},
			s.nextID()
	}
	c.caller = s.store.caller(ask.scope.key)
	return c, c.judge(s.traps), s.nextID()
}

// carryOut does what the call asks. A result that is still to be worked out, out of nothing that
// the mutex guards, is worked out without it.
func (s *Server) carryOut(c *call) (any, *apiError) {
	result, err := func() (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if problem := c.authorize(); problem != nil {
			return nil, problem
		}
		return c.service.operations[c.operation](c)
	}()
	if later, ok := result.(func() (any, error)); ok && err == nil {
		result, err = later()
	}
	if err != nil {
		return nil, problemOf(err)
	}
	return result, nil
}

// problemOf sorts an error of ours among those a client understands.
func problemOf(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	return refuse(http.StatusInternalServerError, "InternalFailure", "%v", err)
}

func (s *Server) requestID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nextID()
}

// nextID numbers requests, in the shape of the UUID clients expect.
func (s *Server) nextID() string {
	s.requests++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", s.requests)
}

// body reads a request's body, unpacked: the SDK compresses large PutMetricData requests.
func body(r *http.Request) ([]byte, *apiError) {
	var from io.Reader = r.Body
	if r.Body == nil {
		return nil, nil
	}
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(from)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "MalformedInput", "the body is not gzip: %v", err)
		}
		from = unpacked
	}
	text, err := io.ReadAll(io.LimitReader(from, maxBody+1))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "MalformedInput", "the body cannot be read: %v", err)
	}
	if len(text) > maxBody {
		return nil, refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			"the request is larger than %d bytes", maxBody)
	}
	return text, nil
}
