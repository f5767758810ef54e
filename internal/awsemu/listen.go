package awsemu

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
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
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
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

// Close stops listening and closes all open connections. Further calls return the same error.
func (e *Endpoint) Close() error { return e.close() }
