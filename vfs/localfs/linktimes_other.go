//go:build !linux

package localfs

import "time"

const linksHaveTimes = false

// setLinkTimes is called for what is no link: this system, or what x/sys knows of
// it, cannot leave one of the times alone.
func (t *tree) setLinkTimes(rel string, atime, mtime time.Time) error {
	return t.root.Chtimes(rel, atime, mtime)
}
