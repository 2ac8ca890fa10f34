package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestTusScripts drives the stand-alone server by the command lines that its
// contract prints.
func TestTusScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/tus",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setupTusScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"client":   cmdTusClient,
			"rustus":   cmdRustus,
			"payloads": cmdPayloads,
		},
	})
}

// tusRig is the server of one script.
type tusRig struct {
	env    *testscript.Env
	cmd    *exec.Cmd
	exited chan error
	gone   chan struct{} // closed when nothing that the lines started lives
}

type tusRigKey struct{}

func setupTusScript(env *testscript.Env) error {
	r := &tusRig{env: env}
	env.Values[tusRigKey{}] = r
	env.Defer(func() { _ = r.end(syscall.SIGKILL) })
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"HOME": env.WorkDir, "TUS_PORT": fmt.Sprint(ports[0]), "HOOK_PORT": fmt.Sprint(ports[1]),
		"URL": fmt.Sprintf("http://127.0.0.1:%d", ports[0]), "EVENTS": filepath.Join(env.WorkDir, "events"),
		"RUSTUS_SERVER_HOST": "127.0.0.1", "RUSTUS_SERVER_PORT": fmt.Sprint(ports[0]), "LC_ALL": "C.UTF-8",
	} {
		env.Setenv(name, value)
	}
	return nil
}

// cmdTusClient is cmdClient for these scripts.
func cmdTusClient(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		if _, err := lookPath(name); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			ts.Fatalf("%s is missing; run .ci/clients", name)
		}
		ts.Value(tusRigKey{}).(*tusRig).env.T().Skip(name + " is not installed")
	}
}

// cmdRustus runs lines for a shell with the alias of the manual, and waits until the
// server that they start answers: rustus start FILE | stop | kill.
func cmdRustus(ts *testscript.TestScript, neg bool, args []string) {
	r := ts.Value(tusRigKey{}).(*tusRig)
	switch {
	case len(args) == 2 && args[0] == "start":
		check(ts, neg, r.start(ts, args[1]))
	case len(args) == 1 && args[0] == "stop":
		ts.Check(r.end(syscall.SIGTERM))
	case len(args) == 1 && args[0] == "kill":
		_ = r.end(syscall.SIGKILL)
	default:
		ts.Fatalf("usage: rustus start FILE | stop | kill")
	}
}

func (r *tusRig) start(ts *testscript.TestScript, file string) error {
	lines := "shopt -s expand_aliases\nalias rustus=\"sftpgo tus\"\n" + ts.ReadFile(file)
	script := ts.MkAbs("run.sh")
	if err := os.WriteFile(script, []byte(lines), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(ts.MkAbs("log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	r.cmd = exec.Command("bash", script)
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = ts.MkAbs("."), out, out
	r.cmd.Env = slices.Clip(r.env.Vars)
	for _, name := range []string{"RUSTUS_HOOKS_FORMAT", "RUSTUS_HOOKS", "RUSTUS_BEHIND_PROXY"} {
		if v := ts.Getenv(name); v != "" {
			r.cmd.Env = append(r.cmd.Env, name+"="+v)
		}
	}
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.launch(); err != nil {
		return err
	}
	exited := r.exited
	for deadline := time.Now().Add(patienceOfBrowser); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-exited:
			r.cmd = nil
			text, _ := os.ReadFile(out.Name())
			return fmt.Errorf("ended: %v\n%s", err, text)
		default:
		}
		if resp, err := http.Get(ts.Getenv("URL") + "/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
	return errors.New("no answer")
}

// launch starts the shell. Everything it starts inherits the writing end of a pipe: the
// shell ends at a signal while the server still gives way to its clients, on a port that
// the next server needs.
func (r *tusRig) launch() error {
	lives, held, err := os.Pipe()
	if err != nil {
		return err
	}
	defer held.Close()
	r.cmd.ExtraFiles = []*os.File{held}
	if err := r.cmd.Start(); err != nil {
		lives.Close()
		return err
	}
	cmd, exited, gone := r.cmd, make(chan error, 1), make(chan struct{})
	r.exited, r.gone = exited, gone
	go func() { exited <- cmd.Wait() }()
	go func() {
		defer close(gone)
		defer lives.Close()
		_, _ = io.Copy(io.Discard, lives)
	}()
	return nil
}

// end ends the shell and everything it started.
func (r *tusRig) end(sig syscall.Signal) error {
	if r.cmd == nil {
		return nil
	}
	_ = syscall.Kill(-r.cmd.Process.Pid, sig) // gone already, perhaps
	r.cmd = nil
	select {
	case <-r.gone:
		return nil
	case <-time.After(patienceOfBrowser):
		return errors.New("the server has not ended")
	}
}

// cmdPayloads checks the lines of a file, each a word and an object, against a schema
// of the contract, waits for the words that are given, and puts the objects into
// payload.json: payloads SCHEMA FILE WORD...
func cmdPayloads(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: payloads SCHEMA FILE WORD...")
	}
	schema, err := contractSchema(args[0])
	ts.Check(err)
	var words, objects []string
	for deadline := time.Now().Add(patienceOfBrowser); ; time.Sleep(50 * time.Millisecond) {
		words, objects = nil, nil
		text, err := os.ReadFile(ts.MkAbs(args[1]))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			ts.Check(err)
		}
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			word, object, _ := strings.Cut(lines.Text(), " ")
			words, objects = append(words, word), append(objects, object)
		}
		if len(words) >= len(args)-2 || time.Now().After(deadline) {
			break
		}
	}
	if !slices.Equal(words, args[2:]) {
		ts.Fatalf("told of %v, want %v", words, args[2:])
	}
	for _, object := range objects {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(object))
		ts.Check(err)
		if err := schema.Validate(value); err != nil {
			ts.Fatalf("%s\n%v", object, err)
		}
		if !json.Valid([]byte(object)) {
			ts.Fatalf("%s", object)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs("payload.json"), []byte(strings.Join(objects, "\n")+"\n"), 0o600))
}

// contractSchema is that of a format in the contract, with its errata.
func contractSchema(name string) (*jsonschema.Schema, error) {
	return jsonschema.NewCompiler().Compile(filepath.Join("../../actions/format/testdata", name+".schema.json"))
}
