package format

import "sftpgo/actions"

// inspected is what a hook gets of content that it shall judge, beside the rest.
type inspected struct {
	StagedPath string `json:"staged_path,omitempty"`
	SHA256     string `json:"sha256,omitempty"`
}

func inspectedOf(e *actions.Event) inspected {
	if e.Kind != actions.UploadVerify || e.Transfer == nil {
		return inspected{}
	}
	return inspected{StagedPath: e.Transfer.Staged, SHA256: e.Transfer.Checksums["sha256"]}
}

// environment is the same for a program; nothing where nothing is to be judged.
func (i inspected) environment(prefix string) []string {
	if i == (inspected{}) {
		return nil
	}
	return []string{prefix + "STAGED_PATH=" + i.StagedPath, prefix + "SHA256=" + i.SHA256}
}
