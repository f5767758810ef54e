package awsemu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A Server is the embedded AWS. The zero value serves an empty account. A Server is an
// [http.Handler], and [Server.Listen] serves it on a port. Its fields must not change after the
// first request. Its methods may be called from many goroutines.
type Server struct {
	// Account describes the account. Nil means an empty account with the id 123456789012.
	Account *Account
	// Faults apply from the start, in addition to the account's faults.
	Faults []Fault
	// PageSize is the number of items per page of a list and of actions per page of a simulation. It
	// overrides the page sizes of the account. Zero means the page sizes of the account.
	PageSize int
	// EnforceIAM makes the server refuse calls that the caller's identity policies, the boundary and
	// the organization's policies do not allow. EnforceIAM does not affect the administrator.
	EnforceIAM bool
	// Now is the clock for dates and message times. Nil means time.Now.
	Now func() time.Time

	mu           sync.Mutex
	store        *store
	accountErr   error // the error in the account; every request fails with it
	activeFaults []*activeFault
	faultsSet    bool
	requests     int
	calls        []Call
	messages     []Message
	metrics      []Datum
}

// start creates the store from the account if there is no store yet. It returns the error in the
// account. The caller must hold the mutex.
func (s *Server) start() error {
	if s.store == nil && s.accountErr == nil {
		s.store, s.accountErr = newStore(s.Account)
		if !s.faultsSet {
			var faults []Fault
			if s.Account != nil {
				faults = s.Account.Faults
			}
			s.activeFaults = newActiveFaults(slices.Concat(faults, s.Faults))
		}
	}
	return s.accountErr
}

// SetFaults replaces all faults, including the account's, and starts their counts at zero.
func (s *Server) SetFaults(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.activeFaults, s.faultsSet = newActiveFaults(faults), true
}

// AddFaults appends faults. The counts of the existing faults continue.
func (s *Server) AddFaults(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.start() // loads the account's faults; the next reply reports an error in the account
	s.activeFaults, s.faultsSet = append(s.activeFaults, newActiveFaults(faults)...), true
}

// Calls returns the calls so far, in the order in which their replies were ready.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Messages returns the messages that clients have published so far.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Metrics returns the datums that clients have put so far.
func (s *Server) Metrics() []Datum {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.metrics)
}

// Reset clears the calls, messages and metrics. The account and the faults do not change.
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

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req, problem := parseRequest(r)
	var rep wire.Reply
	if problem != nil {
		rep = req.Protocol.Fail(req.xmlns(), s.requestID(), problem)
	} else {
		var sent bool
		if rep, sent = s.serve(r.Context(), req); !sent {
			closeConnection(w)
			return
		}
	}
	header := w.Header()
	for name, values := range rep.Header {
		header[name] = values
	}
	// With a known length the reply is sent in one piece, so that no client waits for a second packet.
	header.Set("Content-Length", strconv.Itoa(len(rep.Body)))
	w.WriteHeader(rep.Status)
	_, _ = w.Write(rep.Body) // a write fails only if the client has disconnected
}

// closeConnection closes the connection without a reply, like a network failure after the request.
func closeConnection(w http.ResponseWriter) {
	if hijacker, ok := w.(http.Hijacker); ok {
		if conn, _, err := hijacker.Hijack(); err == nil {
			_ = conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// serve performs one request. It returns false if no reply may be sent.
func (s *Server) serve(ctx context.Context, req request) (wire.Reply, bool) {
	started := time.Now()
	c, v, id := s.newCall(ctx, req)
	disconnected := sleep(ctx, v.delay)
	var result any
	problem := v.err
	if problem == nil && disconnected == nil {
		result, problem = s.perform(c)
	}
	var rep wire.Reply
	if problem == nil {
		var err error
		if rep, err = req.Protocol.Succeed(req.service.xmlns, req.Operation, id, result); err != nil {
			problem = apiErrorOf(err)
		}
	}
	record := Call{
		Service: req.service.name, Operation: req.Operation, Region: c.region, Caller: c.caller.arn,
		Params: c.recordedParams(), Started: started, Lost: v.loseReply || disconnected != nil,
	}
	if problem != nil {
		record.Code = problem.Code
		rep = req.Protocol.Fail(req.xmlns(), id, problem)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	record.Ended = time.Now()
	s.calls = appendNewest(s.calls, record)
	return rep, !record.Lost
}

// newCall returns the call with its caller, the effect of the faults, and the request id.
func (s *Server) newCall(ctx context.Context, req request) (*call, faultEffect, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &call{Server: s, request: req, ctx: ctx, region: cmp.Or(req.Scope.Region, defaultRegion)}
	if err := s.start(); err != nil {
		return c, faultEffect{err: wire.Refuse(http.StatusInternalServerError, "InternalFailure", "%v", err)},
			s.nextID()
	}
	c.caller = s.store.caller(req.Scope.Key)
	return c, c.applyFaults(s.activeFaults), s.nextID()
}

// perform performs the operation of the call. An operation may return a function that computes the
// result from data that the mutex does not guard; that function runs without the mutex.
func (s *Server) perform(c *call) (any, *wire.Error) {
	result, err := func() (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if problem := c.authorize(); problem != nil {
			return nil, problem
		}
		return c.service.operations[c.Operation](c)
	}()
	if later, ok := result.(func() (any, error)); ok && err == nil {
		result, err = later()
	}
	if err != nil {
		return nil, apiErrorOf(err)
	}
	return result, nil
}

// apiErrorOf returns err as an apiError. Any other error becomes an InternalFailure.
func apiErrorOf(err error) *wire.Error {
	var e *wire.Error
	if errors.As(err, &e) {
		return e
	}
	return wire.Refuse(http.StatusInternalServerError, "InternalFailure", "%v", err)
}

func (s *Server) requestID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nextID()
}

// nextID returns the number of the next request in the format of a UUID, as clients expect. The
// caller must hold the mutex.
func (s *Server) nextID() string {
	s.requests++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", s.requests)
}
