package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdLogin logs in with OpenSSH: login METHODS USER IDENTITY [COMMAND...]. The
// identity is a key file, beside which a certificate may lie, or "none". Without
// a command the client is sftp and lists the home. What the server asks is put to
// the program "askpass" of the script.
func cmdLogin(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: login METHODS USER IDENTITY [COMMAND...]")
	}
	identity := "none"
	if args[2] != "none" {
		identity = ts.MkAbs(args[2])
	}
	run := []string{
		"-F", "none", "-oBatchMode=no", "-oPreferredAuthentications=" + args[0], "-oNumberOfPasswordPrompts=1",
		"-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR", "-oIdentityAgent=none",
		"-oIdentitiesOnly=yes", "-oIdentityFile=" + identity, "-oPort=" + ts.Getenv("SFTP_PORT"),
	}
	ts.Setenv("SSH_ASKPASS", ts.MkAbs("askpass"))
	ts.Setenv("SSH_ASKPASS_REQUIRE", "force")
	who := args[1] + "@127.0.0.1"
	if len(args) > 3 {
		check(ts, neg, ts.Exec("ssh", append(append(run, who), args[3:]...)...))
		return
	}
	batch := ts.MkAbs("login.batch")
	ts.Check(os.WriteFile(batch, []byte("ls -l\n"), 0o600))
	check(ts, neg, ts.Exec("sftp", append(run, "-b", batch, who)...))
}

// cmdLogged waits until the log of the server has a line with the text.
func cmdLogged(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: logged TEXT")
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if text, err := os.ReadFile(ts.MkAbs("server.log")); err == nil && strings.Contains(string(text), args[0]) {
			return
		}
	}
	ts.Fatalf("server.log has no %q", args[0])
}

// cmdAsker is a URL that asks for the password and the colour blue; its address
// is in $ASKER. What it gets goes to asked.jsonl.
func cmdAsker(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: asker")
	}
	path := ts.MkAbs("asked.jsonl")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Username, IP string
			Questions    []string
			Answers      []string
		}
		err := json.NewDecoder(r.Body).Decode(&in)
		if err == nil {
			err = appendLine(path, in)
		}
		answer := `{"auth_result":-1}`
		switch said := strings.Join(append(in.Questions, in.Answers...), "|"); {
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		case said == "":
			answer = `{"instruction":"From afar.","questions":["Password: "],"echos":[false],"check_password":1}`
		case said == "Password: |OK":
			answer = `{"questions":["Colour: "],"echos":[true]}`
		case said == "Colour: |blue":
			answer = `{"auth_result":1}`
		}
		_, _ = w.Write([]byte(answer)) // the server may have gone
	}))
	ts.Defer(srv.Close)
	ts.Setenv("ASKER", srv.URL)
}
