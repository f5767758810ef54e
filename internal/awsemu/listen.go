package awsemu

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// An Endpoint is a listening server.
type Endpoint struct {
	// URL is the address for AWS_ENDPOINT_URL and BaseEndpoint, such as http://127.0.0.1:4599.
	URL string

	// close stops the server once and returns the error of the first call.
	close func() error
}

// Listen serves on addr, HOST:PORT, and returns the endpoint. Port 0 selects a free port, and an
// empty addr means 127.0.0.1:0. HOST must be a loopback address, because the server does not
// authenticate callers.
func (s *Server) Listen(addr string) (*Endpoint, error) {
	addr = cmp.Or(addr, "127.0.0.1:0")
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w: give an address such as 127.0.0.1:4599", addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil,
			fmt.Errorf("listen on %s: the embedded AWS does not authenticate callers and listens on "+
				"loopback only: give 127.0.0.1:PORT", addr)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	server := s.httpServer()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return &Endpoint{URL: "http://" + listener.Addr().String(), close: sync.OnceValue(func() error {
		err := server.Close()
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		return err
	})}, nil
}

const (
	// headerTimeout and readTimeout bound the time in which a client has to send the header and the
	// whole of a request. A request has at most wire.MaxBody bytes. There is no bound for replies,
	// because a fault may delay them for any time.
	headerTimeout, readTimeout = 10 * time.Second, 30 * time.Second
	// idleTimeout is longer than AWS clients keep a connection: 90 seconds in the SDK for Go.
	idleTimeout = 5 * time.Minute
	// maxHeader is the maximum length of the header of a request, apart from 4 KiB.
	maxHeader = 64 << 10
)

// httpServer returns the HTTP server of an endpoint. It refuses requests of web pages.
func (s *Server) httpServer() *http.Server {
	return &http.Server{ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if problem := fromWebPage(r); problem != nil {
				s.reply(w, wire.Query{}.Fail("", s.requestID(), problem))
				return
			}
			s.ServeHTTP(w, r)
		})}
}

// Close stops listening and closes all open connections. Further calls return the same error.
func (e *Endpoint) Close() error { return e.close() }
