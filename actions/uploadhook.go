package actions

// The words of the upload hooks (Rustus, tusd) for what this version tells.
const (
	postFinish    = "post-finish"
	postReceive   = "post-receive"
	postTerminate = "post-terminate"
)

// UploadHookName returns the word by which the upload hooks call an event. False:
// they have none. An upload that failed is post-receive as long as the data that
// came is kept, which its size tells; of one of which nothing is left they know
// nothing, since no post-create was told.
func UploadHookName(e *Event) (string, bool) {
	switch e.Kind {
	case UploadDone:
		return postFinish, true
	case UploadFailed:
		return postReceive, e.Result.Size > 0
	case DeleteDone:
		return postTerminate, true
	}
	return "", false
}
