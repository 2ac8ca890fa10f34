package format_test

import "sftpgo/actions"

// example is an event of the contract and the name of its golden file.
type example struct {
	name  string
	event actions.Event
}

const eventID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

// examples are the worked examples of the action contract.
func examples() []example {
	sftp := func(user string) actions.Session { return actions.Session{User: user, Protocol: "SFTP"} }
	ok := func(size int64) actions.Result { return actions.Result{Status: actions.StatusOK, Size: size} }
	alice := func(name string) actions.Object {
		return actions.Object{Name: "/" + name, Path: "/srv/data/alice/" + name}
	}
	ssh := func(command, path, target string) actions.Event {
		return actions.Event{
			Kind:    actions.SSHCommand,
			Session: actions.Session{User: "alice", Protocol: "SSH"},
			Object:  actions.Object{Path: path, TargetPath: target, SSHCommand: command},
			Result:  ok(0),
		}
	}
	bob := func(k actions.Kind) actions.Event {
		return actions.Event{
			Kind:    k,
			Session: actions.Session{User: "bob", Protocol: "FTP"},
			Object:  actions.Object{Name: "/old.log", Path: "/srv/data/bob/old.log"},
			Result:  ok(77),
		}
	}
	all := []example{
		{"upload", actions.Event{Kind: actions.UploadDone, Session: sftp("alice"), Object: alice("in/report.csv"), Result: ok(1234)}},
		{"upload-quota", actions.Event{
			Kind: actions.UploadFailed, Session: sftp("alice"), Object: alice("in/big.iso"),
			Result: actions.Result{Status: actions.StatusQuota, Error: "quota exceeded"},
		}},
		{"upload-aborted", actions.Event{
			Kind: actions.UploadFailed, Session: actions.Session{User: "alice", Protocol: "FTP"}, Object: alice("in/half.bin"),
			Result: actions.Result{Status: actions.StatusError, Size: 500, Error: "connection lost"},
		}},
		{"download-s3", actions.Event{
			Kind: actions.DownloadDone, Session: actions.Session{User: "carol", Protocol: "DAV"},
			Object: actions.Object{Name: "/x.pdf", Path: "/tenants/a/x.pdf", Provider: 1, Bucket: "files", Endpoint: "http://minio:9000"},
			Result: ok(88211),
		}},
		{"pre-delete", bob(actions.DeleteCheck)},
		{"delete", bob(actions.DeleteDone)},
		{"rename", actions.Event{
			Kind: actions.RenameDone, Session: sftp("alice"),
			Object: actions.Object{Name: "/a.txt", Path: "/srv/data/alice/a.txt", Target: "/archive/a.txt", TargetPath: "/mnt/archive/a.txt"},
			Result: ok(0),
		}},
		{"ssh-md5sum", ssh("md5sum", "/srv/data/alice/in/a.txt", "")},
		{"ssh-pwd", ssh("pwd", "", "")},
		{"ssh-copy", ssh("sftpgo-copy", "/srv/data/alice/a", "/srv/data/alice/b")},
	}
	for i := range all {
		all[i].event.ID = eventID
		all[i].event.Session.RemoteIP, all[i].event.Session.ID = "203.0.113.9", "SFTP_1"
	}
	return all
}
