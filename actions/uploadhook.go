package actions

// The words of the upload hooks (Rustus, tusd) for what is told.
const (
	preCreate     = "pre-create"
	postCreate    = "post-create"
	postReceive   = "post-receive"
	preFinish     = "pre-finish"
	postFinish    = "post-finish"
	preTerminate  = "pre-terminate"
	postTerminate = "post-terminate"
)

// UploadHookName returns the word by which the upload hooks call an event. False:
// they have none.
//
// An upload that has failed is post-receive as long as the data that came is kept,
// which its size tells.
func UploadHookName(e *Event) (string, bool) {
	switch e.Kind {
	case UploadCheck:
		return preCreate, true
	case UploadOpen:
		return postCreate, true
	case UploadVerify:
		return preFinish, true
	case DeleteCheck:
		return preTerminate, true
	case UploadPart:
		return postReceive, true
	case UploadDone:
		return postFinish, true
	case UploadFailed:
		return postReceive, e.Result.Size > 0
	case DeleteDone:
		return postTerminate, true
	}
	return "", false
}

// UploadHookTells reports whether the dialect of a format has room for an event that
// it has a word for. Rustus tells of each request only the most important thing:
// that the upload is complete; else, that it began; else, that a part has come. So it
// is in its format tusd, too. The format of tusd 2 tells everything.
func UploadHookTells(format string, e *Event) bool {
	if format == FormatTusdV2 {
		return true
	}
	switch e.Kind {
	case UploadOpen:
		// A PUT is one request to its end, and what is complete now is told as such.
		return e.Session.Protocol != "DAV" && !e.complete()
	case UploadPart:
		began := e.Request != nil && e.Request.Method == "POST"
		return !began && !e.complete()
	}
	return true
}

// complete reports whether the event tells of an upload of which all has come.
func (e *Event) complete() bool {
	t := e.Transfer
	return t != nil && (t.Final || t.Length != nil && t.Offset == *t.Length)
}
