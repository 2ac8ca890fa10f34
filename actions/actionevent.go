package actions

// protocolHTTP is what events of resumable uploads name.
const protocolHTTP = "HTTP"

// ActionsTell reports whether the action contract, which knows files only, has a
// word for an event of a kind that it has one for. It has none for what a resumable
// upload over HTTP keeps before it is complete, nor for the parts of a file that is
// put together later.
func ActionsTell(e *Event) bool {
	switch e.Kind {
	case UploadPart:
		return e.Session.Protocol != protocolHTTP
	case UploadDone:
		return e.Transfer == nil || !e.Transfer.Partial
	case DeleteCheck, DeleteDone:
		return !e.Result.ByHook && !e.unfinished()
	}
	return true
}

// unfinished reports whether the event tells of what a resumable upload keeps and no
// file is made of yet.
func (e *Event) unfinished() bool {
	return e.Session.Protocol == protocolHTTP && e.Transfer != nil && (e.Transfer.Partial || !e.complete())
}

// Wants reports whether the hook is told of an event of one of its kinds.
func (c Config) Wants(e *Event) bool { return ActionsTell(e) }
