package tus_test

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"testing"
)

// TestDraftDigest: digests of one request, and of all data, whichever request brings
// the last of them.
func TestDraftDigest(t *testing.T) {
	digest := func(field, text string) string {
		sum := sha256.Sum256([]byte(text))
		return field + ": unixsum=1, sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	}
	each(t, func(t *testing.T, r *rig, version int) {
		r.take()
		got, _ := r.ietf(version, "POST", "/files", "01234", uploadGoesOn, "Content-Disposition: inline; filename=f", "Upload-Length: 10",
			digest("Content-Digest", "01234"), digest("Repr-Digest", "0123456789"))
		r.says("creation", got, 201, "Upload-Offset: 5")
		url := got.header.Get("Location")
		got, _ = r.ietf(version, "PATCH", url, "5678x", uploadComplete, "Upload-Offset: 5", digest("Content-Digest", "56789"))
		r.says("a wrong digest", got, 400, "Upload-Offset: 5", uploadGoesOn)
		got, _ = r.ietf(version, "PATCH", url, "56789", uploadComplete, "Upload-Offset: 5", digest("Content-Digest", "56789"))
		r.says("PATCH", got, 201, uploadComplete)
		if got := r.content("f"); got != "0123456789" {
			t.Errorf("%q", got)
		}
		// The data are not what they should be: nobody can make them so.
		got, _ = r.ietf(version, "POST", "/files", "01234", uploadGoesOn, "Content-Disposition: inline; filename=g", "Upload-Length: 10",
			digest("Repr-Digest", "0123456789"))
		url = got.header.Get("Location")
		got, _ = r.ietf(version, "PATCH", url, "5678x", uploadComplete, "Upload-Offset: 5")
		r.says("wrong data", got, 400, uploadComplete)
		got, _ = r.ietf(version, "HEAD", url, "-")
		r.says("HEAD", got, 410)
		if r.content("g") != "-" || len(r.staged()) != 0 {
			t.Errorf("%v is left", r.staged())
		}
		if lines := r.events(); !slices.Contains(lines, "upload.failed /g 10/10 0") {
			t.Errorf("%q", lines)
		}
		// A client of tus that brings the last byte finds the same.
		got, _ = r.ietf(version, "POST", "/files", "01234", uploadGoesOn, "Content-Disposition: inline; filename=h", "Upload-Length: 10",
			digest("Repr-Digest", "0123456789"))
		r.want(460, "PATCH", got.header.Get("Location"), "5678x", "Upload-Offset: 5")
	})
}

// TestDraftAndTus: uploads are the same, whoever begins and ends them.
func TestDraftAndTus(t *testing.T) {
	each(t, func(t *testing.T, r *rig, version int) {
		url := r.begin(10, "f")
		r.patch(url, 0, "0123")
		got, _ := r.ietf(version, "HEAD", url, "-")
		r.says("HEAD", got, 204, "Upload-Offset: 4", "Upload-Length: 10", uploadGoesOn)
		got, _ = r.ietf(version, "PATCH", url, "456789", uploadGoesOn, "Upload-Offset: 4")
		r.says("PATCH", got, 204, "Upload-Offset: 10")
		if r.content("f") != "-" {
			t.Error("published")
		}
		r.restartServer()
		url = r.at(url)
		r.patch(url, 10, "")
		if got := r.content("f"); got != "0123456789" {
			t.Errorf("%q", got)
		}

		got, _ = r.ietf(version, "POST", "/files", "0123", uploadGoesOn, "Upload-Length: 10", "Content-Disposition: inline; filename=g")
		url = got.header.Get("Location")
		head := r.want(200, "HEAD", url, "-").header
		if head.Get("Upload-Offset") != "4" || head.Get("Upload-Length") != "10" || head.Get("Upload-Metadata") != "filename Zw==" || head.Get("Tus-Resumable") != "1.0.0" {
			t.Errorf("%v", head)
		}
		r.patch(url, 4, "456789")
		if got := r.content("g"); got != "0123456789" {
			t.Errorf("%q", got)
		}
	})
}
