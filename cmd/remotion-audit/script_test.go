package main

import (
	"encoding/binary"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"remotion-audit": main})
}

// TestScripts runs the scripts in testdata/script: each is a session of a user, with the files that
// it needs. The commands of the scripts besides those of testscript are
//
//	exits N COMMAND…   runs a command and checks its exit status
//	aws [FILE|EXAMPLE] starts an embedded AWS with an account, and sets the credentials
//	as KEY             uses another access key
//	object KEY FILE    writes an object of the evidence bucket to a file
//	until FILE…        replaces UNTIL in files by the day in thirty days
//	replace OLD NEW FILE
//	                   replaces a text in a file
//	encode ENCODING FILE NEW
//	                   writes the text of a file with bom, utf16 or crlf
//	interrupt CALLS COMMAND…
//	                   runs a command, sends SIGINT after the begin of a number of calls to AWS, and
//	                   checks that the exit status is 130
//
// `go test -run TestScripts -update` rewrites the files that cmp compares.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireUniqueNames: true, UpdateScripts: golden.Update(),
		Setup: func(env *testscript.Env) error {
			env.Values[serverKey{}] = &serverOfScript{}
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1") // no script reaches the network
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": scriptExits, "aws": scriptAWS, "as": scriptAs, "object": scriptObject,
			"interrupt": scriptInterrupt, "until": scriptUntil,
			"replace": scriptReplace, "encode": scriptEncode,
		},
	})
}

type serverKey struct{}

// serverOfScript is the embedded AWS of a script, or empty before it starts.
type serverOfScript struct {
	server *awsemu.Server
	// begun counts the requests. Calls of the server has only those that ended.
	begun *atomic.Int64
}

func serverOf(ts *testscript.TestScript) *serverOfScript {
	return ts.Value(serverKey{}).(*serverOfScript)
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	status := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			ts.Fatalf("%v", err)
		}
		status = ended.ExitCode()
	}
	if status != want {
		ts.Fatalf("exit status %d, want %d", status, want)
	}
}

func scriptAWS(ts *testscript.TestScript, _ bool, args []string) {
	var described *awsemu.Account
	var err error
	switch {
	case len(args) == 0:
		described, err = account.Load(examples.FS, "drifted/account.yaml")
	case strings.HasSuffix(args[0], ".yaml"):
		file := ts.MkAbs(args[0])
		described, err = account.Load(os.DirFS(filepath.Dir(file)), filepath.Base(file))
	default:
		described, err = account.Load(examples.FS, args[0]+"/account.yaml")
	}
	ts.Check(err)
	s := serverOf(ts)
	server, begun := &awsemu.Server{Account: described}, &atomic.Int64{}
	s.server, s.begun = server, begun
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun.Add(1)
		server.ServeHTTP(w, r)
	}))
	ts.Defer(func() {
		endpoint.CloseClientConnections()
		endpoint.Close()
	})
	ts.Setenv("AWS_ENDPOINT_URL", endpoint.URL)
	ts.Setenv("AWS_ACCESS_KEY_ID", administratorKey)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", anySecret)
	ts.Setenv("AWS_REGION", "us-east-1")
}

func scriptAs(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv("AWS_ACCESS_KEY_ID", args[0])
}

func scriptObject(ts *testscript.TestScript, _ bool, args []string) {
	for _, bucket := range []string{"evidence", "remotion-audit-evidence"} {
		if text, ok := serverOf(ts).server.Objects(bucket)[args[0]]; ok {
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), text, 0o600))
			return
		}
	}
	ts.Fatalf("no object %s", args[0])
}

func scriptEncode(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[1])
	switch args[0] {
	case "bom":
		text = "\ufeff" + text
	case "crlf":
		text = strings.ReplaceAll(text, "\n", "\r\n")
	case "utf16":
		var b []byte
		for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
			b = binary.LittleEndian.AppendUint16(b, unit)
		}
		text = string(b)
	default:
		ts.Fatalf("unknown encoding %s", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(text), 0o600))
}

func scriptInterrupt(ts *testscript.TestScript, _ bool, args []string) {
	calls, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	for _, name := range []string{"PATH", "HOME", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY", "AWS_REGION"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Dir = ts.Getenv("WORK")
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	ts.Check(cmd.Start())
	for serverOf(ts).begun.Load() < calls {
		time.Sleep(5 * time.Millisecond)
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	_ = cmd.Wait()
	if cmd.ProcessState.ExitCode() != exitInterrupted {
		ts.Fatalf("%v, want exit status 130\n%s", cmd.ProcessState, errs.String())
	}
	ts.Check(os.WriteFile(ts.MkAbs("stdout"), []byte(out.String()), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("stderr"), []byte(errs.String()), 0o600))
}

func scriptUntil(ts *testscript.TestScript, _ bool, args []string) {
	day := time.Now().AddDate(0, 0, 30).Format(time.DateOnly)
	for _, name := range args {
		text := strings.ReplaceAll(ts.ReadFile(name), "UNTIL", day)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

func scriptReplace(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.ReplaceAll(ts.ReadFile(args[2]), args[0], args[1])
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(text), 0o600))
}
