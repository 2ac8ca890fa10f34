//go:build unix

package keyboard_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sftpgo/protocols/auth"
	"sftpgo/protocols/auth/keyboard"
)

// TestMain also is the hook program: see hooks.
func TestMain(m *testing.M) {
	if script := os.Getenv("HOOK_SCRIPT"); script != "" {
		hooks()[script]()
		os.Exit(3) // which nobody looks at
	}
	os.Exit(m.Run())
}

var lines = bufio.NewScanner(os.Stdin)

func read() string {
	lines.Scan()
	return lines.Text()
}

const accept = `{"auth_result":1}`

// hooks are programs, by name.
func hooks() map[string]func() {
	say := func(text string) func() { return func() { fmt.Println(text) } }
	return map[string]func(){
		"accept":        say(accept),
		"reject":        say(`{"auth_result":-1}`),
		"reject two":    say(`{"auth_result":2}`),
		"silent":        func() {},
		"complains":     func() { fmt.Fprintln(os.Stderr, "no database") },
		"garbage":       say("hello"),
		"no questions":  say(`{"instruction":"x"}`),
		"echos missing": say(`{"questions":["a","b"],"echos":[true]}`),
		"no line end":   func() { fmt.Print(accept) },
		"long line":     say(`{"instruction":"` + strings.Repeat("x", 70_000) + `"}`),
		"no result":     func() { fmt.Println(`{"questions":["a"],"echos":[true]}`); read() },
		"two factors": func() {
			fmt.Println(`{"instruction":"Login","questions":["Password: "],"echos":[false],"check_password":1}`)
			if read() != "OK" {
				return
			}
			fmt.Println(`{"questions":["Code: ","Colour: "],"echos":[true,false]}`)
			if read() == "493021" && read() == "blue" {
				fmt.Println(accept)
			}
		},
		"two passwords": func() {
			fmt.Println(`{"questions":["a","b"],"echos":[false,false],"check_password":1}`)
			if read() == "x" && read() == "y" {
				fmt.Println(accept)
			}
		},
		"endless": func() {
			for {
				fmt.Println(`{"questions":["again"],"echos":[true]}`)
				read()
			}
		},
		"environment": func() {
			fmt.Printf("{\"questions\":[%q],\"echos\":[true]}\n", strings.Join([]string{os.Getenv("SFTPGO_AUTHD_USERNAME"),
				os.Getenv("SFTPGO_AUTHD_IP"), os.Getenv("SFTPGO_AUTHD_PASSWORD"), os.Getenv("OTHER")}, "|"))
			read()
			fmt.Println(accept)
		},
		"hangs": func() {
			spawn()
			select {}
		},
		"leaves a child": func() {
			spawn()
			fmt.Println(accept)
		},
	}
}

// spawn starts a process that holds standard output, and writes its id.
func spawn() {
	cmd := exec.Command("sleep", "600")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := os.WriteFile(os.Getenv("PID_FILE"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func program(t *testing.T, script string, env ...string) *keyboard.Program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return keyboard.NewProgram(self, append(os.Environ(), append(env, "HOOK_SCRIPT="+script)...))
}

func TestProgram(t *testing.T) {
	for _, c := range []struct {
		script  string
		answers string
		reason  string
		asked   []string
	}{
		{"accept", "", "", nil},
		{"no line end", "", "", nil},
		{"reject", "", "rejects", nil},
		{"reject two", "", "rejects", nil},
		{"silent", "", "without a result", nil},
		{"complains", "", "without a result; it says: no database", nil},
		{"garbage", "", "the hook's answer", nil},
		{"no questions", "", "neither questions nor a result", nil},
		{"echos missing", "", "2 questions with 1 echos", nil},
		{"long line", "", "line of more than 65536 bytes", nil},
		{"no result", "x", "without a result", []string{"", "a!"}},
		{"two factors", "right 493021 blue", "", []string{"Login", "Password: ", "", "Code: !", "Colour: "}},
		{"two factors", "right 493021 red", "without a result", []string{"Login", "Password: ", "", "Code: !", "Colour: "}},
		{"two factors", "wrong 493021 blue", "wrong password", []string{"Login", "Password: "}},
		{"two factors", "OK 493021 blue", "wrong password", []string{"Login", "Password: "}},
		{"two factors", "", "gone", []string{"Login", "Password: "}},
		{"two factors", "right 493021", "1 of 2 questions", []string{"Login", "Password: ", "", "Code: !", "Colour: "}},
		{"two factors", "right 493021\nblue blue", "more than one line", []string{"Login", "Password: ", "", "Code: !", "Colour: "}},
		{"two passwords", "x y", "", []string{"", "a", "b"}},
		{"environment", "x", "", []string{"", "alice|203.0.113.9|$argon2id$v=19$x|kept!"}},
	} {
		t.Run(c.script+" "+c.answers, func(t *testing.T) {
			cl := &client{}
			if c.answers != "" {
				cl.answers = strings.Split(c.answers, " ")
			}
			err := program(t, c.script, "OTHER=kept").Interview(t.Context(), candidate(), cl.ask)
			wantOutcome(t, err, c.reason)
			wantAsked(t, cl, c.asked...)
		})
	}
}

func TestProgramAsksForEver(t *testing.T) {
	n := 0
	err := program(t, "endless").Interview(t.Context(), candidate(), func(context.Context, string, []auth.Question) ([]string, error) {
		n++
		return []string{"x"}, nil
	})
	wantOutcome(t, err, "more than 20 times")
	if n != 20 {
		t.Errorf("the client was asked %d times", n)
	}
}

func TestProgramCannotStart(t *testing.T) {
	err := keyboard.NewProgram(filepath.Join(t.TempDir(), "x"), nil).Interview(t.Context(), candidate(), (&client{}).ask)
	wantOutcome(t, err, "not started")
}

// Nothing of the process group is left, neither at the time limit nor after a
// verdict.
func TestProgramIsKilled(t *testing.T) {
	for script, reason := range map[string]string{"hangs": "without a result", "leaves a child": ""} {
		t.Run(script, func(t *testing.T) {
			pidFile := filepath.Join(t.TempDir(), "pid")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if script == "hangs" {
				go func() {
					defer cancel()
					for ctx.Err() == nil {
						if text, err := os.ReadFile(pidFile); err == nil && len(text) > 0 {
							return
						}
						time.Sleep(time.Millisecond)
					}
				}()
			}
			start := time.Now()
			err := program(t, script, "PID_FILE="+pidFile).Interview(ctx, candidate(), (&client{}).ask)
			wantOutcome(t, err, reason)
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("took %v", d)
			}
			text, err := os.ReadFile(pidFile)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if alive(pid) {
				t.Errorf("process %d lives on", pid)
			}
		})
	}
}

// alive gives a killed orphan a moment to be reaped by whoever inherited it.
func alive(pid int) bool {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) || zombie(pid) {
			return false
		}
	}
	return true
}

// zombie: in a container nobody may reap orphans.
func zombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(text), ") Z ")
}
