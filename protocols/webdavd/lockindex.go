package webdavd

import (
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	"sftpgo/dataprovider"
)

// lockIndex finds locks by path.
type lockIndex struct {
	sorted  []dataprovider.Lock // by path
	byToken map[string]string   // path
	held    map[string]int      // number by holder
	next    time.Time           // no lock runs out before
}

func newLockIndex() lockIndex {
	return lockIndex{byToken: map[string]string{}, held: map[string]int{}}
}

// fill takes all locks into an empty index.
func (ix *lockIndex) fill(all []dataprovider.Lock) {
	slices.SortFunc(all, func(a, b dataprovider.Lock) int { return strings.Compare(a.Path, b.Path) })
	ix.sorted = all
	for _, l := range all {
		ix.note(l)
	}
}

func (ix *lockIndex) note(l dataprovider.Lock) {
	ix.byToken[l.Token] = l.Path
	ix.held[l.Holder]++
	if ix.next.IsZero() || l.Expires.Before(ix.next) {
		ix.next = l.Expires
	}
}

// put adds a lock, or replaces the one of the same token.
func (ix *lockIndex) put(l dataprovider.Lock) {
	ix.drop(l.Token)
	ix.sorted = slices.Insert(ix.sorted, ix.first(l.Path), l)
	ix.note(l)
}

func (ix *lockIndex) drop(token string) {
	at, ok := ix.byToken[token]
	if !ok {
		return
	}
	delete(ix.byToken, token)
	for i := ix.first(at); i < len(ix.sorted); i++ {
		l := ix.sorted[i]
		if l.Token != token {
			continue
		}
		ix.sorted = slices.Delete(ix.sorted, i, i+1)
		if ix.held[l.Holder]--; ix.held[l.Holder] == 0 {
			delete(ix.held, l.Holder)
		}
		return
	}
}

// first is the position of the first lock whose path is not before p.
func (ix *lockIndex) first(p string) int {
	i, _ := slices.BinarySearchFunc(ix.sorted, p, func(l dataprovider.Lock, p string) int { return strings.Compare(l.Path, p) })
	return i
}

// covering returns the locks that hold for a path.
func (ix *lockIndex) covering(p string, now time.Time) []dataprovider.Lock {
	if len(ix.sorted) == 0 {
		return nil
	}
	var found []dataprovider.Lock
	for at := p; ; at = path.Dir(at) {
		for i := ix.first(at); i < len(ix.sorted) && ix.sorted[i].Path == at; i++ {
			if l := ix.sorted[i]; (at == p || l.Deep) && now.Before(l.Expires) {
				found = append(found, l)
			}
		}
		if at == "/" || at == "." {
			return found
		}
	}
}

// members returns the locks below a path.
func (ix *lockIndex) members(p string, now time.Time) []dataprovider.Lock {
	var found []dataprovider.Lock
	for l := range ix.within(p) {
		if l.Path != p && now.Before(l.Expires) {
			found = append(found, l)
		}
	}
	return found
}

// crowded reports whether l would cover a name that as many locks cover as may.
func (ix *lockIndex) crowded(l dataprovider.Lock, now time.Time) bool {
	if len(ix.covering(l.Path, now)) >= maxShared {
		return true
	}
	if !l.Deep {
		return false
	}
	return slices.ContainsFunc(ix.members(l.Path, now), func(m dataprovider.Lock) bool {
		return len(ix.covering(m.Path, now)) >= maxShared
	})
}

// within yields the locks at and below a path.
func (ix *lockIndex) within(p string) iter.Seq[dataprovider.Lock] {
	return func(yield func(dataprovider.Lock) bool) {
		for i := ix.first(p); i < len(ix.sorted) && ix.sorted[i].Path == p; i++ {
			if !yield(ix.sorted[i]) {
				return
			}
		}
		below := strings.TrimSuffix(p, "/") + "/"
		for i := ix.first(below); i < len(ix.sorted) && strings.HasPrefix(ix.sorted[i].Path, below); i++ {
			if ix.sorted[i].Path != p && !yield(ix.sorted[i]) {
				return
			}
		}
	}
}

// touches reports whether there may be locks at or below a path.
func (ix *lockIndex) touches(p string) bool {
	for range ix.within(p) {
		return true
	}
	return false
}

// expired returns the tokens of locks that have run out.
func (ix *lockIndex) expired(now time.Time) []string {
	var tokens []string
	for _, l := range ix.sorted {
		if !now.Before(l.Expires) {
			tokens = append(tokens, l.Token)
		}
	}
	return tokens
}

// schedule finds out when the next lock runs out.
func (ix *lockIndex) schedule() {
	ix.next = time.Time{}
	for _, l := range ix.sorted {
		if ix.next.IsZero() || l.Expires.Before(ix.next) {
			ix.next = l.Expires
		}
	}
}
