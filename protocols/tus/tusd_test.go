package tus_test

import (
	"testing"

	"sftpgo/protocols/tus/tusdtest"
)

// otherwise is where tusd differs from ours.
type otherwise struct {
	status int
	offset int // of the upload, afterwards
	why    string
}

// inTusd are the faulty requests that tusd 2.10 answers with something else.
func inTusd() map[string]otherwise {
	const (
		users    = "it has no users"
		media    = "tus leaves the status open; ours is that of RFC 9110 for a media type"
		metadata = "it passes over metadata that are malformed; hooks and names depend on ours"
		checksum = "it does not have the extension checksum, and passes over its header"
		page     = "it has a page of greeting for every other path"
	)
	return map[string]otherwise{
		"old version, HEAD":    {200, 4, "tus exempts only OPTIONS from the check of a version that was told; it exempts HEAD and GET"},
		"no login":             {201, 4, users},
		"no login, HEAD":       {200, 4, users},
		"unknown user":         {204, 5, users},
		"no content type":      {400, 4, media},
		"other content type":   {400, 4, media},
		"signed offset":        {204, 5, "it reads numbers as Go does; tus has digits only"},
		"beside":               {200, 4, page},
		"root":                 {200, 4, page},
		"body of another type": {201, 4, "it makes an upload without the data; ours says that they are not taken"},
		"metadata not base64":  {201, 4, metadata},
		"metadata repeated":    {201, 4, metadata + "; tus: keys are unique"},
		"metadata without key": {201, 4, metadata + "; tus: a key is not empty"},
		"metadata too long":    {201, 4, "it has no limit below that of Go for all headers"},
		"metadata not text":    {201, 4, "it does not care for names; ours become those of files"},
		"unknown algorithm":    {204, 5, checksum},
		"malformed checksum":   {204, 5, checksum},
		"short checksum":       {204, 5, checksum},
		"wrong checksum":       {204, 5, checksum},
	}
}

// TestTusdErrors sends what TestErrors sends to tusd: each difference is one of the
// table, and has a reason there.
func TestTusdErrors(t *testing.T) {
	srv := tusdtest.Start(t, tusdtest.Program(t, "../.."), t.TempDir(), "-max-size", "1000")
	differences := inTusd()
	for _, f := range faultyRequests() {
		t.Run(f.name, func(t *testing.T) {
			r := &rig{t: t, url: srv.URL}
			url := r.begin(10, "target")
			r.patch(url, 0, "0123")
			want, differs := differences[f.name]
			delete(differences, f.name)
			if !differs {
				want = otherwise{status: f.status, offset: 4}
			}
			got := r.sendFaulty(f, url)
			if got.status != want.status {
				t.Errorf("status %d, want %d: %s", got.status, want.status, got.body)
			}
			if n := r.offset(url); n != want.offset {
				t.Errorf("offset %d, want %d", n, want.offset)
			}
			if differs && want.status == f.status || differs && want.why == "" {
				t.Errorf("no difference, or no reason for it: %+v", want)
			}
		})
	}
	for name := range differences {
		t.Errorf("%q is none of the requests", name)
	}
}

// TestTusdGoodRequests: what is right has the same effect there as with ours.
func TestTusdGoodRequests(t *testing.T) {
	srv := tusdtest.Start(t, tusdtest.Program(t, "../.."), t.TempDir())
	for name, r := range map[string]*rig{"ours": newRig(t), "tusd": {t: t, url: srv.URL}} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			part := r.want(201, "POST", "/files/", "ab", "Upload-Length: 2", "Upload-Concat: partial").header.Get("Location")
			last := r.want(201, "POST", "/files/", "-", "Upload-Defer-Length: 1", "Upload-Concat: partial").header.Get("Location")
			r.patch(last, 0, "c", "Upload-Length: 2")
			r.patch(last, 1, "d")
			whole := r.want(201, "POST", "/files/", "-", "Upload-Concat: final;"+part+" "+last, metadata("filename", "whole")).header.Get("Location")
			if got := r.want(200, "GET", whole, "-").body; got != "abcd" {
				t.Errorf("%q", got)
			}
			h := r.want(200, "HEAD", whole, "-").header
			if h.Get("Upload-Length") != "4" || h.Get("Cache-Control") != "no-store" || h.Get("Upload-Concat") == "" {
				t.Errorf("%v", h)
			}
			r.want(403, "PATCH", whole, "x", "Upload-Offset: 4")
			given := r.begin(3, "given up")
			r.want(204, "POST", given, "-", "X-HTTP-Method-Override: DELETE")
			r.want(404, "HEAD", given, "-")
		})
	}
}
