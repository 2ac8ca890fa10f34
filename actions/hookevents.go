package actions

import (
	"fmt"
	"slices"
	"strings"
)

// word is what the setting events calls some kinds.
type word struct {
	name  string
	kinds []Kind
}

// words returns the events that the format has names for, in the order of the
// documentation.
func (h Hook) words() []word {
	if h.tellsUploads() {
		return []word{
			{"upload", []Kind{UploadDone, UploadFailed, UploadPart}},
			{"delete", []Kind{DeleteDone}},
			{postCreate, []Kind{UploadOpen}},
			{postReceive, []Kind{UploadPart, UploadFailed}},
			{postFinish, []Kind{UploadDone}},
			{postTerminate, []Kind{DeleteDone}},
			{preCreate, []Kind{UploadCheck}},
			{preFinish, []Kind{UploadVerify}},
			{"verify", []Kind{UploadVerify}},
			{preTerminate, []Kind{DeleteCheck}},
		}
	}
	words := []word{
		{"upload", []Kind{UploadDone, UploadFailed, UploadPart}},
		{"download", []Kind{DownloadDone}},
		{"delete", []Kind{DeleteDone}},
		{"rename", []Kind{RenameDone}},
		{"mkdir", []Kind{MkdirDone}},
		{"rmdir", []Kind{RmdirDone}},
		{"copy", []Kind{CopyDone}},
		{"ssh_cmd", []Kind{SSHCommand}},
		{"pre-upload", []Kind{UploadCheck}},
		{preCreate, []Kind{UploadCheck}},
		{"pre-download", []Kind{DownloadCheck}},
		{"pre-delete", []Kind{DeleteCheck}},
		{"verify", []Kind{UploadVerify}},
		{preFinish, []Kind{UploadVerify}},
	}
	if h.Dialect() == FormatCloudEvents {
		words = append(words, word{postCreate, []Kind{UploadOpen}})
	}
	return words
}

// unasked reports whether a hook that names no events does without a kind: whoever is
// asked can stand in the way, and what begins is recorded for those who need it.
func (h Hook) unasked(k Kind) bool {
	return k.Question() || k == UploadOpen && !h.tellsUploads()
}

// checkEvent says what is wrong with a word of the setting events.
func (h Hook) checkEvent(name string) error {
	var known []string
	for _, w := range h.words() {
		known = append(known, w.name)
	}
	if slices.Contains(known, name) {
		return nil
	}
	other := Hook{Format: FormatSFTPGo}
	if !h.tellsUploads() {
		other.Format = FormatRustus
	}
	for _, w := range other.words() {
		if w.name == name {
			return fmt.Errorf("the format %s has no name for %q; it has %s", h.Dialect(), name, strings.Join(known, ", "))
		}
	}
	return checkName(name, known)
}
