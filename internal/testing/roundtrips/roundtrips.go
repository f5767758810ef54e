// Package roundtrips connects AWS clients with an embedded AWS in the virtual time of
// testing/synctest, so that tests can count sequential round trips.
//
// Each round trip takes the same virtual time, and the clock only advances when all goroutines
// wait. Therefore two calls overlap exactly if neither waits for the answer to the other. The
// number of round trips ([Count]) is a property of the code: it does not depend on the speed
// of the machine.
package roundtrips

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
)

// Latency is the virtual time between a request and its arrival at the server. Replies arrive at
// once.
const Latency = 40 * time.Millisecond

// Config serves a handler on a network in memory until the test ends, and returns a configuration
// for clients of that network. The clients use the SDK's own HTTP client. t must be the T of
// synctest.Test.
func Config(t *testing.T, handler http.Handler) aws.Config {
	t.Helper()
	network := &network{connections: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(Latency)
			handler.ServeHTTP(w, r)
		}),
		ErrorLog: log.New(t.Output(), "", 0),
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(network); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
	// With an IP address, the S3 client does not put the bucket into the host name.
	endpoint := "http://127.0.0.1"
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAADMINISTRATOR000", "local", ""),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.Proxy, t.DialContext = nil, network.dial
		}),
	}
}

// Count returns the length of the longest chain of calls in which each call started after the
// previous one had ended. A client that sends all calls at once needs one round trip.
func Count(calls []awsemu.Call) int {
	// Repeatedly taking the interval that ends first gives the longest chain of disjoint intervals.
	byEnd := slices.Clone(calls)
	slices.SortStableFunc(byEnd, func(a, b awsemu.Call) int { return a.Ended.Compare(b.Ended) })
	rounds := 0
	var free time.Time
	for _, c := range byEnd {
		if rounds == 0 || c.Started.After(free) {
			rounds++
			free = c.Ended
		}
	}
	return rounds
}

// network is a listener whose connections are in memory: synctest waits for them.
type network struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.connections <- server:
		return client, nil
	case <-n.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept returns the next connection.
func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.connections:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (n *network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

// Addr returns a placeholder: connections in memory have no address.
func (n *network) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }
