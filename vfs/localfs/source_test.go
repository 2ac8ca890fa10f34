package localfs_test

import (
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestSourceTakesNoPaths: nothing but the root itself is reached by a path. All
// of a package that can do so is forbidden but what is listed here.
func TestSourceTakesNoPaths(t *testing.T) {
	entries, err := os.ReadDir(".")
	must(t, err)
	checked := 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		src, err := os.ReadFile(e.Name())
		must(t, err)
		for _, fault := range faults(t, e.Name(), src) {
			t.Error(fault)
		}
		checked++
	}
	if checked < 10 {
		t.Errorf("checked only %d files", checked)
	}
}

// TestSourceCheckWorks: the check finds what it is for.
func TestSourceCheckWorks(t *testing.T) {
	for _, c := range []struct {
		src  string
		want int
	}{
		{`import "os"; func f() { os.Open("x"); os.Remove("x") }`, 2},
		{`import "os"; func f() { g := os.Lstat; g("x") }`, 1},
		{`import o "os"`, 1},
		{`import . "os"`, 1},
		{`import "os/exec"`, 1},
		{`import "io/ioutil"`, 1},
		{`import "os"; func f(p string) { os.OpenRoot(p) }`, 1},
		{`import "os"; func f() { os.OpenRoot(cfg.Root) }`, 1},
		{`import "os"; func openTree() { os.OpenRoot(cfg.Root); os.MkdirAll(cfg.Root, 0o777) }`, 0},
		{`import "os"; func openTree() { os.OpenRoot(cfg.Root + "/x") }`, 1},
		{`import "syscall"; func f() { syscall.Open("x", 0, 0) }`, 1},
		{`import "golang.org/x/sys/unix"; func f() { unix.Openat(1, "x", 0, 0); unix.Statx(1, "x", 0, 0, nil) }`, 2},
		{`import "golang.org/x/sys/unix"; func f() { unix.Statx(1, "", 0, 0, nil) }`, 0},
		{`import "golang.org/x/sys/unix"; func f() { unix.UtimesNanoAt(1, "x", nil, unix.AT_SYMLINK_NOFOLLOW) }`, 1},
		{`import "golang.org/x/sys/unix"; func look() { unix.Fstatat(1, name, nil, 0); unix.Fstatat(1, "x", nil, unix.AT_SYMLINK_NOFOLLOW) }`, 2},
		{`import "golang.org/x/sys/unix"; func setLinkTimes() { unix.UtimesNanoAt(1, base, nil, 0) }`, 1},
		{`import "path/filepath"; func f() { filepath.EvalSymlinks("x") }`, 1},
		{`import "path/filepath"; func openTree() { filepath.EvalSymlinks(cfg.Root) }`, 0},
		{`import "os"; func f(r *os.Root) { r.Open("x"); _ = os.O_RDONLY }`, 0},
	} {
		if got := faults(t, "snippet.go", []byte("package p; "+c.src)); len(got) != c.want {
			t.Errorf("%s: %d faults %q, want %d", c.src, len(got), got, c.want)
		}
	}
}

// harmless is what may be used of the packages that know paths.
func harmless() map[string][]string {
	return map[string][]string{
		"os":      {"Root", "File", "LinkError", "SyscallError", "SameFile", "Geteuid"},
		"syscall": {"Errno", "Conn", "RawConn", "Stat_t", "Timespec"},
		"unix": {
			"Flock", "Fstat", "Fstatfs", "Futimes", "Syscall6", "Errno", "Stat_t", "Statfs_t", "Statx_t", "Timespec", "Timeval",
			"NsecToTimespec", "NsecToTimeval", "CopyFileRange", "Getdents",
		},
		"filepath": {"Join", "Clean", "IsAbs", "IsLocal", "Rel", "FromSlash", "ToSlash"},
	}
}

// paths maps the imports that know paths to the name they must go by.
func paths() map[string]string {
	return map[string]string{"os": "os", "syscall": "syscall", "golang.org/x/sys/unix": "unix", "path/filepath": "filepath"}
}

func faults(t *testing.T, file string, src []byte) (found []string) {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, src, parser.SkipObjectResolution)
	must(t, err)
	fault := func(n ast.Node, text string) {
		found = append(found, fset.Position(n.Pos()).String()+": "+text)
	}
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		must(t, err)
		if _, known := paths()[p]; known && i.Name != nil {
			fault(i, "renames "+p)
		}
		if p == "io/ioutil" || p == "os/exec" || p == "plugin" || p == "golang.org/x/sys/windows" {
			fault(i, "imports "+p)
		}
	}
	for _, d := range f.Decls {
		within := ""
		if fn, ok := d.(*ast.FuncDecl); ok {
			within = fn.Name.Name
		}
		allowed := map[*ast.SelectorExpr]bool{}
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if sel, ok := n.Fun.(*ast.SelectorExpr); ok {
					allowed[sel] = callAllowed(fset, within, sel, n.Args)
				}
			case *ast.SelectorExpr:
				if pkg, name, ok := pathSelector(n); ok && !allowed[n] && !isHarmless(pkg, name) {
					fault(n, pkg+"."+name+" may take a path")
				}
			}
			return true
		})
	}
	return found
}

func pathSelector(sel *ast.SelectorExpr) (pkg, name string, ok bool) {
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", "", false
	}
	_, known := harmless()[id.Name]
	return id.Name, sel.Sel.Name, known
}

func isHarmless(pkg, name string) bool {
	for _, h := range harmless()[pkg] {
		if h == name {
			return true
		}
	}
	// Constants: O_RDONLY, ENOENT, LOCK_EX.
	return name == strings.ToUpper(name)
}

// callAllowed knows the calls that depend on their arguments: the root itself
// where it is opened, and system calls on a descriptor with an empty path.
func callAllowed(fset *token.FileSet, within string, sel *ast.SelectorExpr, args []ast.Expr) bool {
	pkg, name, ok := pathSelector(sel)
	if !ok {
		return false
	}
	text := func(i int) string {
		var b strings.Builder
		if i >= len(args) || printer.Fprint(&b, fset, args[i]) != nil {
			return "?"
		}
		return b.String()
	}
	switch pkg + "." + name {
	case "os.OpenRoot", "os.MkdirAll", "filepath.EvalSymlinks":
		return within == "openTree" && text(0) == "cfg.Root"
	case "unix.Statx", "unix.NameToHandleAt":
		return text(1) == `""`
	case "unix.Fstatat": // likewise
		return within == "look" && text(1) == "name" && text(3) == "unix.AT_SYMLINK_NOFOLLOW"
	case "unix.UtimesNanoAt": // one component, in a directory that os.Root opened
		return within == "setLinkTimes" && text(1) == "base" && text(3) == "unix.AT_SYMLINK_NOFOLLOW"
	}
	return false
}
