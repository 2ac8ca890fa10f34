package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// proof names tests of one package, from the top of the module.
type proof struct {
	dir   string
	tests []string
}

// acceptance lists what upload hooks and resumable uploads must do, and the tests that
// prove it.
var acceptance = []struct {
	what   string
	proofs []proof
}{
	{"which request has which events, in each format and over each transport", []proof{
		{"cmd/sftpgo", []string{"TestTusEvents", "TestTusOrderOfHooks", "TestTusRabbitMQ", "TestLifeOverProtocols"}},
		{"actions", []string{"TestKindsOfHooks", "TestUploadHooksOfFailedUploads", "TestOneEventOfEachRequest"}},
		{"actions/format", []string{"TestLifeOfUploads"}},
		{"protocols/tus", []string{"TestUpload", "TestWholeUpload"}},
	}},
	{"payloads byte by byte: each format, each event, absent values, names of headers, the slash at the end of a URI", []proof{
		{"actions/format", []string{"TestRenderDialects", "TestPayloadsOfUploadHooks", "TestPayloadsOfResumableUploads", "TestSchemas"}},
	}},
	{"a hook that refuses, that answers in its own words, that is down; nothing is left of the upload", []proof{
		{"protocols/tus", []string{"TestVeto"}},
		{"actions/outbox", []string{"TestRead", "TestGatesInOrder", "TestHeaders"}},
		{"protocols/session", []string{"TestRefusedUploadLeavesNothing"}},
		{"actions/execsink", []string{"TestNoAnswer"}},
	}},
	{"an upload that must not be terminated can be resumed; a program that is missing from a directory refuses", []proof{
		{"protocols/tus", []string{"TestVeto", "TestTerminate"}},
		{"actions/execsink", []string{"TestDirectory"}},
	}},
	{"RabbitMQ: names, bindings, headers, bodies, plain and for Celery, and a worker that runs the task", []proof{
		{"actions/amqpsink", []string{"TestRabbitMQ", "TestExplain", "TestConfig"}},
		{"cmd/sftpgo", []string{"TestRabbitMQ", "TestTusRabbitMQ", "TestTusPrintedAMQP"}},
	}},
	{"the address of a client behind proxies", []proof{
		{"cmd/sftpgo", []string{"TestForwarding", "TestTusBehindProxy", "TestBehindProxies"}},
	}},
	{"each failure of tus; tus-js-client in full, also after the server was killed", []proof{
		{"protocols/tus", []string{"TestErrors", "TestConcatenation", "TestDeferredLength", "TestRestart", "TestKilledWhileWriting"}},
		{"cmd/sftpgo", []string{"TestTusJSClient", "TestTusKilled", "TestTusCut"}},
	}},
	{"checksums: right, wrong, unknown, in a trailer", []proof{
		{"protocols/tus", []string{"TestChecksum", "TestChecksumTrailer", "TestChecksumBroken"}},
	}},
	{"uploads that expire: the header, 410 afterwards, an action that tells of the failure", []proof{
		{"protocols/tus", []string{"TestExpiration", "TestExpirationBesideWriter"}},
		{"cmd/sftpgo", []string{"TestTusExpiration"}},
	}},
	{"two who write at once, one who asks beside it, several who read", []proof{
		{"protocols/tus", []string{"TestSimultaneous", "TestTakeOver", "TestGetBesideWriter", "TestGet", "TestOtherServer"}},
	}},
	{"one file over each protocol has the same action; to delete may be done by the hook, to terminate may be refused", []proof{
		{"cmd/sftpgo", []string{"TestCrossProtocol", "TestContract"}},
		{"protocols/tus", []string{"TestEventFields", "TestVeto"}},
		{"actions", []string{"TestActionsOfResumableUploads"}},
		{"protocols/session", []string{"TestPreDelete"}},
	}},
}

// TestAcceptance holds that every test in the list is there.
func TestAcceptance(t *testing.T) {
	for _, point := range acceptance {
		t.Run(point.what, func(t *testing.T) {
			for _, p := range point.proofs {
				p.check(t)
			}
		})
	}
}

// check holds that the tests are there.
func (p proof) check(t *testing.T) {
	t.Helper()
	there, err := testsIn(filepath.Join("..", "..", filepath.FromSlash(p.dir)))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range p.tests {
		if !there[name] {
			t.Errorf("%s has no %s", p.dir, name)
		}
	}
}

// testsIn reads the names of the tests of a package, those for other systems as well.
func testsIn(dir string) (map[string]bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				names[fn.Name.Name] = true
			}
		}
	}
	return names, nil
}
