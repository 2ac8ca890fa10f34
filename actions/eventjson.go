package actions

import "sftpgo/actions/plainjson"

// AppendJSON appends the event as encoding/json writes it, byte for byte, so that
// json.Unmarshal reads what either has written. It refuses what encoding/json does: a
// time with a year beyond 9999. Then nothing can be said of what it returns.
func (e *Event) AppendJSON(to []byte) ([]byte, error) {
	o := plainjson.Begin(to)
	o.String("id", e.ID)
	o.String("kind", string(e.Kind))
	o.Time("time", e.Time)
	e.Session.write(&o)
	e.Object.write(&o)
	e.Result.write(&o)
	e.Transfer.write(&o)
	e.Request.write(&o)
	if e.Account != nil {
		o.Value("account", e.Account)
	}
	return o.End()
}

func (s *Session) write(o *plainjson.Object) {
	o.Open("session")
	o.String("id", s.ID)
	o.String("user", s.User)
	o.String("protocol", s.Protocol)
	o.String("remote_ip", s.RemoteIP)
	o.Close()
}

func (b *Object) write(o *plainjson.Object) {
	o.Open("object")
	o.String("name", b.Name)
	o.String("path", b.Path)
	o.OptString("behind", b.Behind)
	o.OptString("before_path", b.BeforePath)
	o.OptString("target", b.Target)
	o.OptString("target_path", b.TargetPath)
	o.OptString("ssh_command", b.SSHCommand)
	o.Int("provider", int64(b.Provider))
	o.OptString("bucket", b.Bucket)
	o.OptString("endpoint", b.Endpoint)
	o.Close()
}

func (r *Result) write(o *plainjson.Object) {
	o.Open("result")
	o.Int("status", int64(r.Status))
	o.Int("size", r.Size)
	o.OptInt("elapsed", int64(r.Elapsed))
	o.OptString("error", r.Error)
	o.OptTrue("by_hook", r.ByHook)
	o.Close()
}

func (t *Transfer) write(o *plainjson.Object) {
	if t == nil {
		return
	}
	o.Open("transfer")
	o.String("id", t.ID)
	o.Int("offset", t.Offset)
	if t.Length != nil {
		o.Int("length", *t.Length)
	}
	o.OptTrue("partial", t.Partial)
	o.OptTrue("final", t.Final)
	o.OptStrings("parts", t.Parts)
	o.OptTexts("metadata", t.Metadata)
	o.OptTime("created", t.Created)
	o.OptTrue("overwrite", t.Overwrite)
	o.OptInt("previous_size", t.PreviousSize)
	o.OptTrue("resumed", t.Resumed)
	o.OptInt("open_flags", int64(t.OpenFlags))
	o.OptString("staged", t.Staged)
	o.OptTexts("checksums", t.Checksums)
	o.Close()
}

func (r *Request) write(o *plainjson.Object) {
	if r == nil {
		return
	}
	o.Open("request")
	o.String("method", r.Method)
	o.String("uri", r.URI)
	o.OptLists("header", r.Header)
	o.Close()
}
