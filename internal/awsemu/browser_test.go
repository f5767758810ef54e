package awsemu

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

const (
	signature = "AWS4-HMAC-SHA256 Credential=AKIAX/20260101/us-east-1/%/aws4_request, S"
	inQuery   = "&X-Amz-Credential=AKIAX%2F20260101%2Fus-east-1%2Fiam%2Faws4_request"
	put       = "Action=PutUserPolicy&UserName=ci&PolicyName=p&PolicyDocument=" +
		"%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A*%22%2C" +
		"%22Resource%22%3A%22*%22%7D%7D"
)

// TestWebPagesAreRefused checks which requests the server answers that a browser can send, and that
// none of those that it refuses changes anything.
func TestWebPagesAreRefused(t *testing.T) {
	const refused, allowed, method = http.StatusForbidden, http.StatusOK, http.StatusMethodNotAllowed
	iam := strings.Replace(signature, "%", "iam", 1)
	for _, test := range []struct {
		name, method, host, url, body string
		header                        map[string]string
		status                        int
	}{
		{"a client at 127.0.0.1", "POST", "127.0.0.1:4599", "/", put, nil, allowed},
		{"a client at ::1", "POST", "[::1]:4599", "/", put, nil, allowed},
		{"a client at localhost", "POST", "localhost:4599", "/", put, nil, allowed},
		{"a client at LOCALHOST without a port", "POST", "LOCALHOST", "/", put, nil, allowed},
		{"a host below localhost", "POST", "evidence.localhost:4599", "/", put, nil, allowed},
		{"a name that now resolves to loopback", "POST", "evil.example:4599", "/", put, nil, refused},
		{"a name that begins like loopback", "POST", "127.0.0.1.evil.example", "/", put, nil, refused},
		{"a name that ends like localhost", "POST", "evillocalhost", "/", put, nil, refused},
		{"an address that is not loopback", "POST", "0.0.0.0:4599", "/", put, nil, refused},
		{"a request without a host", "POST", "", "/", put, nil, refused},
		{"a script or form of another page", "POST", "127.0.0.1", "/", put,
			map[string]string{"Origin": "https://evil.example"}, refused},
		{"a form of a page in a sandbox", "POST", "127.0.0.1", "/", put,
			map[string]string{"Origin": "null"}, refused},
		{"a page whose name begins like localhost", "POST", "127.0.0.1", "/", put,
			map[string]string{"Origin": "http://localhost.evil.example"}, refused},
		{"a page of a server on this machine", "POST", "127.0.0.1", "/", put,
			map[string]string{"Origin": "http://localhost:3000"}, allowed},
		{"a page without an origin", "POST", "127.0.0.1", "/", put,
			map[string]string{"Sec-Fetch-Site": "cross-site"}, refused},
		{"an address that a user typed", "GET", "127.0.0.1", "/?Action=GetUser&UserName=ci" + inQuery, "",
			map[string]string{"Sec-Fetch-Site": "none", "Authorization": ""}, allowed},
		{"a form with the credential in its address", "POST", "127.0.0.1", "/?" + put + inQuery, "",
			map[string]string{"Authorization": ""}, method},
		{"an image whose address changes something", "GET", "127.0.0.1", "/?" + put + inQuery, "",
			map[string]string{"Authorization": ""}, method},
		{"a change by GET with a signature", "GET", "127.0.0.1", "/?" + put, "", nil, method},
		{"a read by GET", "GET", "127.0.0.1", "/?Action=GetUser&UserName=ci", "", nil, allowed},
		{"an image of another page", "GET", "127.0.0.1", "/?Action=GetUser&UserName=ci" + inQuery, "",
			map[string]string{"Sec-Fetch-Site": "cross-site", "Authorization": ""}, refused},
	} {
		server := &Server{Account: &Account{Users: map[string]User{"ci": {}}}}
		req := httptest.NewRequest(test.method, "http://x"+test.url, strings.NewReader(test.body))
		req.Host = test.host
		req.Header.Set("Authorization", iam)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for name, value := range test.header {
			req.Header.Set(name, value)
		}
		rec := httptest.NewRecorder()
		server.httpServer().Handler.ServeHTTP(rec, req)
		if rec.Code != test.status {
			t.Errorf("%s: %d %s, want %d", test.name, rec.Code, rec.Body, test.status)
		}
		if rec.Code != allowed && (!strings.Contains(rec.Body.String(), "<Error>") ||
			len(server.Calls()) > 0) {
			t.Errorf("%s: %d calls, %s; want an error of AWS", test.name, len(server.Calls()), rec.Body)
		}
		if rec.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: the reply allows other origins", test.name)
		}
	}
}

// TestEveryChangeNeedsMoreThanALink checks each operation: those that a GET may perform read only.
func TestEveryChangeNeedsMoreThanALink(t *testing.T) {
	reads := map[string]bool{}
	for _, d := range (&Server{}).started().definitions {
		for name := range d.Operations {
			r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			if reads[name] = changeByLink(r, name) == nil; !reads[name] {
				r.Method = http.MethodPut // S3
				if problem := changeByLink(r, name); problem != nil {
					t.Errorf("PUT of %s: %v", name, problem)
				}
			}
		}
	}
	for name, want := range map[string]bool{
		"PutObject": false, "DeleteObject": false, "Publish": false,
		"PutMetricData": false, "PutUserPolicy": false, "AssumeRole": false, "Subscribe": false,
		"GetObject": true, "HeadObject": true, "ListObjectsV2": true, "SimulatePrincipalPolicy": true} {
		if got, offered := reads[name]; !offered || got != want {
			t.Errorf("%s: offered %v, may be read by GET %v, want %v", name, offered, got, want)
		}
	}
}

// A pipeListener accepts one connection in memory, whose deadlines work in virtual time.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// TestSlowAndHugeRequestsEnd checks in virtual time that the server closes a connection that sends
// its request slowly, and refuses a request that is too large.
func TestSlowAndHugeRequestsEnd(t *testing.T) {
	iam := strings.Replace(signature, "%", "iam", 1)
	const head = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	for _, test := range []struct {
		name, start, unit string
		every             time.Duration
		atMost            time.Duration
		reply             string // the start of the reply; empty for none
	}{
		{"a slow header", head, "X-A: b\r\n", time.Second, headerTimeout + time.Second, ""},
		{"a slow body", head + "Authorization: " + iam + "\r\nContent-Length: 1000000\r\n\r\n", "a",
			time.Second, readTimeout + time.Second, "HTTP/1.1 400 "},
		{"a huge header", head, "X-A: " + strings.Repeat("b", 8<<10) + "\r\n", 0, time.Second,
			"HTTP/1.1 431 "},
		{"a huge body", head + "Authorization: " + iam + "\r\nTransfer-Encoding: chunked\r\n\r\n",
			"1000\r\n" + strings.Repeat("a", 0x1000) + "\r\n", 0, time.Second, "HTTP/1.1 413 "},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := (&Server{}).httpServer()
			listener := pipeListener{make(chan net.Conn, 1), make(chan struct{})}
			go func() { _ = server.Serve(listener) }()
			client, conn := net.Pipe()
			listener.conns <- conn
			began := time.Now()
			written := make(chan int, 1)
			go func() {
				total, err := io.WriteString(client, test.start)
				for err == nil {
					var n int
					n, err = io.WriteString(client, test.unit)
					total += n
					time.Sleep(test.every)
				}
				written <- total
			}()
			reply, _ := io.ReadAll(bufio.NewReader(client))
			took := time.Since(began)
			_ = client.Close()
			total := <-written
			_ = server.Close()
			if took > test.atMost || total > 2*wire.MaxBody || !bytes.HasPrefix(reply, []byte(test.reply)) ||
				test.reply == "" && len(reply) > 0 {
				t.Errorf("%s: %d bytes in %s, reply %.200q; want at most %s and %q", test.name, total, took,
					reply, test.atMost, test.reply)
			}
		})
	}
}
