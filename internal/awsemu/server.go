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

	"github.com/remotion-audit/remotion-audit/internal/awsemu/authz"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// defaultPageSize is the number of items per page of a list if nothing else is set.
const defaultPageSize = 2

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
	// Invoke runs a Lambda function and returns its reply. An error is an error of the function. For
	// an asynchronous invocation, the server does not wait for the reply; see [Server.Wait]. Nil
	// refuses all invocations.
	Invoke func(ctx context.Context, in Invocation) ([]byte, error)
	// Now is the clock for dates and message times. Nil means time.Now.
	Now func() time.Time

	mu           sync.Mutex
	services     *services // nil until the first request
	accountErr   error     // the error in the account; every request fails with it
	activeFaults []*activeFault
	faultsSet    bool
	requests     int
	calls        []Call
}

// start creates the services from the account if there are no services yet. If there is an error in
// the account, the services are those of an empty account. The caller must hold the mutex.
func (s *Server) start() {
	if s.services != nil {
		return
	}
	account := s.account()
	if s.PageSize > 0 {
		account.Simulator.PageSize = s.PageSize
	}
	guard := authz.Guard{Enforce: s.EnforceIAM}
	if s.services, s.accountErr = newServices(&account, guard); s.accountErr == nil {
		s.services.lambda.Run = s.Invoke
	} else {
		s.services, _ = newServices(&Account{}, guard)
	}
	s.loadFaults()
}

// account returns the description of the account.
func (s *Server) account() Account {
	if s.Account == nil {
		return Account{}
	}
	return *s.Account
}

// loadFaults activates the faults of the account and of the server if no faults have been set. The
// caller must hold the mutex.
func (s *Server) loadFaults() {
	if !s.faultsSet {
		s.activeFaults = newActiveFaults(slices.Concat(s.account().Faults, s.Faults))
		s.faultsSet = true
	}
}

// SetFaults replaces all faults, including the account's, and starts their counts at zero.
func (s *Server) SetFaults(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.activeFaults, s.faultsSet = newActiveFaults(faults), true
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
	if s.services == nil {
		return nil
	}
	return s.services.sns.Messages()
}

// Metrics returns the datums that clients have put so far.
func (s *Server) Metrics() []Datum {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.services == nil {
		return nil
	}
	return s.services.cloudwatch.Metrics()
}

// Objects returns the current objects of a bucket, by key; nil if there is no such bucket.
func (s *Server) Objects(bucket string) map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start()
	return s.services.s3.Objects(bucket)
}

// ServiceSession returns the keys of a new session of a role that a service assumes, as Lambda does
// for a function. service is the service principal, such as lambda.amazonaws.com. ServiceSession
// returns an error if the role does not trust the service.
func (s *Server) ServiceSession(service, role, session string) (Keys, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.start(); s.accountErr != nil {
		return Keys{}, s.accountErr
	}
	return s.services.sts.ServiceSession(service, role, session)
}

// Wait waits until all asynchronous invocations of functions have ended, also those that they
// start.
func (s *Server) Wait() { s.started().lambda.Wait() }

// Reset clears the calls, messages and metrics. The account and the faults do not change.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
	if s.services != nil {
		s.services.sns.Reset()
		s.services.cloudwatch.Reset()
	}
}

// now returns the time of the clock; see [service.Call].
func (s *Server) now() time.Time {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	return now().UTC().Round(0)
}

// started returns the services.
func (s *Server) started() *services {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start()
	return s.services
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req, svc, problem := s.started().parseRequest(r)
	if problem == nil {
		problem = changeByLink(r, req.Operation)
	}
	var rep wire.Reply
	if problem != nil {
		xmlns := ""
		if svc != nil {
			xmlns = svc.XMLNS
		}
		rep = req.Protocol.Fail(xmlns, s.requestID(), problem)
	} else {
		var sent bool
		if rep, sent = s.serve(r.Context(), svc, req); !sent {
			closeConnection(w)
			return
		}
	}
	s.reply(w, rep)
}

// reply sends a reply.
func (s *Server) reply(w http.ResponseWriter, rep wire.Reply) {
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
func (s *Server) serve(ctx context.Context, svc *service.Definition,
	req wire.Request) (wire.Reply, bool) {
	started := time.Now()
	c, v, id := s.newCall(ctx, svc, req)
	disconnected := sleep(ctx, v.delay)
	var result any
	problem := v.err
	if problem == nil && disconnected == nil {
		result, problem = s.perform(c)
	}
	var rep wire.Reply
	if problem == nil {
		var err error
		if rep, err = req.Protocol.Succeed(svc.XMLNS, req.Operation, id, result); err != nil {
			problem = errorOf(err)
		}
		for _, corrupt := range v.corrupt {
			rep.Body = corrupt(rep.Body)
		}
	}
	record := Call{
		Checked: *c.Checked, Service: svc.Name, Operation: req.Operation, Region: c.Region,
		Caller: c.Caller.ARN,
		Params: recordedParams(req), Started: started, Lost: v.loseReply || disconnected != nil,
	}
	if problem != nil {
		record.Code = problem.Code
		rep = req.Protocol.Fail(svc.XMLNS, id, problem)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	record.Ended = time.Now()
	s.calls = service.AppendNewest(s.calls, record)
	return rep, !record.Lost
}

// newCall returns the call with its caller, the effect of the faults, and the request id.
func (s *Server) newCall(ctx context.Context, svc *service.Definition,
	req wire.Request) (*service.Call, faultEffect, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &service.Call{Request: req, Service: svc, Context: ctx,
		Region:   cmp.Or(req.Scope.Region, service.DefaultRegion),
		PageSize: cmp.Or(s.PageSize, s.account().PageSize, defaultPageSize), Now: s.now,
		Checked: new([]service.CheckedPermission)}
	if s.accountErr != nil {
		return c, faultEffect{err: errorOf(s.accountErr)}, s.nextID()
	}
	c.Caller = s.services.callers.Of(req.Scope.Key)
	c.May = func(operation string) bool { return s.may(*c, operation) }
	return c, applyFaults(c, s.activeFaults), s.nextID()
}

// may reports whether the caller of c may perform another operation on the same resource. A fault
// must not deny that operation, and the caller's policies must allow it. may does not count as a
// call for the faults. The caller must hold the mutex.
func (s *Server) may(c service.Call, operation string) bool {
	c.Operation = operation
	collected := c.Checked
	c.Checked = new([]service.CheckedPermission)
	defer func() {
		for _, p := range *c.Checked {
			p.Optional = true
			*collected = append(*collected, p)
		}
	}()
	for _, t := range s.activeFaults {
		if t.Deny && t.matches(c.Service.Name, operation, c.Region, nil) && t.applies() {
			return false
		}
	}
	return s.services.guard.Authorize(&c) == nil
}

// perform performs the operation of the call.
func (s *Server) perform(c *service.Call) (any, *wire.Error) {
	result, err := func() (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if problem := s.services.guard.Authorize(c); problem != nil {
			return nil, problem
		}
		return c.Service.Operations[c.Operation].Do(c)
	}()
	if later, ok := result.(func() (any, error)); ok && err == nil {
		result, err = later()
	}
	if err != nil {
		return nil, errorOf(err)
	}
	return result, nil
}

// errorOf returns err as an error reply. Any other error becomes an InternalFailure.
func errorOf(err error) *wire.Error {
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
