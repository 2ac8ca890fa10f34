package sftp

import (
	"fmt"
	"testing"
)

// TestAppend: where the pieces of a file opened to append go.
func TestAppend(t *testing.T) {
	for _, tt := range []struct {
		name, old string
		offsets   []uint64 // of two bytes each
		want      string
	}{
		{"resumes with true offsets", "old", []uint64{3, 5}, "old0011"},
		{"resumes out of order", "old", []uint64{5, 3}, "old1100"},
		{"counts from zero", "old", []uint64{0, 2, 4}, "old001122"},
		{"counts from zero, past what was there", "o", []uint64{0, 2, 4}, "o001122"},
		{"always says zero", "old", []uint64{0, 0, 0}, "old001122"},
		{"always says zero, nothing there", "", []uint64{0, 0, 0}, "001122"},
		{"counts from zero, nothing there", "", []uint64{0, 2, 4}, "001122"},
	} {
		r := newRig(t)
		r.write("f", tt.old)
		p := r.dial()
		h := p.openFile("/f", wr|ap)
		for i, off := range tt.offsets {
			if st := p.ask(typeWrite, h, off, fmt.Sprintf("%d%d", i, i)).status(); st != "" {
				t.Errorf("%s: %s", tt.name, st)
			}
		}
		if st := p.ask(typeClose, h).status(); st != "" {
			t.Errorf("%s: %s", tt.name, st)
		}
		if got := r.content("f"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
