//go:build !unix

package localfs

// Unlinked does not know: files here cannot lose their last name while open.
func (i *info) Unlinked() bool { return false }

// deviceOf is not asked, for nothing here has an identity.
func deviceOf(*info) string { return "" }
