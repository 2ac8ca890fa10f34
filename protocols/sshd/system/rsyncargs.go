package system

import (
	"fmt"
	"strings"

	"sftpgo/protocols/sshd/shellword"
)

// rsyncCall is what a client asked rsync to do.
type rsyncCall struct {
	options   []string
	sender    bool // the files go to the client
	relative  bool // -R: "/./" in a name has a meaning
	removes   bool // what was sent is removed
	protected bool // -s: the arguments come over the channel
	munge     bool // links shall lead nowhere
	names     []shellword.Word
}

// writes reports whether files may change.
func (c *rsyncCall) writes() bool { return !c.sender || c.removes }

// parseRsync takes the arguments of a server of rsync apart, as clients from 2.6
// to 3.5 send them: options, a ".", and names. What is not known to be harmless is
// refused: rsync's options run programs (-e, --rsync-path), read and write other
// files (--files-from, --log-file, --temp-dir, --backup-dir, --link-dest,
// --write-batch, …) or make it another server (--daemon, --config).
func parseRsync(args []shellword.Word) (rsyncCall, error) {
	var c rsyncCall
	if len(args) == 0 || args[0].Text != "--server" {
		return c, fmt.Errorf("%w: only clients of rsync can call it", errUsage)
	}
	return c, c.parse(args[1:])
}

func (c *rsyncCall) parse(args []shellword.Word) error {
	for len(args) > 0 {
		option := args[0].Text
		if option == "." || !strings.HasPrefix(option, "-") {
			break
		}
		args = args[1:]
		if option == "--" {
			break
		}
		n, err := c.option(option, args)
		if err != nil {
			return err
		}
		args = args[n:]
	}
	if c.protected {
		return c.onlyProtected(args)
	}
	return c.operands(args)
}

// onlyProtected: with -s the rest comes over the channel.
func (c *rsyncCall) onlyProtected(args []shellword.Word) error {
	if len(args) > 0 && (len(args) > 1 || args[0].Text != ".") {
		return fmt.Errorf("%w: names with --secluded-args", errUsage)
	}
	return nil
}

func (c *rsyncCall) operands(args []shellword.Word) error {
	// The first name takes the place of the client's side.
	if len(args) < 2 || args[0].Text != "." {
		return fmt.Errorf("%w: no names", errUsage)
	}
	c.names = args[1:]
	if !c.sender && len(c.names) != 1 {
		return fmt.Errorf("%w: several targets", errUsage)
	}
	return nil
}

// option takes one option, and returns how many of the words after it belong to
// it.
func (c *rsyncCall) option(option string, rest []shellword.Word) (int, error) {
	refused := fmt.Errorf("%w: %s", errOption, option)
	if !strings.HasPrefix(option, "--") {
		return 0, c.short(option)
	}
	name, value, hasValue := strings.Cut(option, "=")
	switch allowed, known := rsyncOptions()[name]; {
	case !known:
		return 0, refused
	case allowed == nil:
		if hasValue {
			return 0, refused
		}
		c.note(name)
		return 0, nil
	case hasValue:
		if !allowed(value) {
			return 0, refused
		}
		c.options = append(c.options, option)
		return 0, nil
	default: // the value is the next word
		if len(rest) == 0 || !allowed(rest[0].Text) {
			return 0, refused
		}
		c.options = append(c.options, name+"="+rest[0].Text)
		return 1, nil
	}
}

// note takes an option without a value.
func (c *rsyncCall) note(name string) {
	switch name {
	case "--sender":
		c.sender = true
	case "--relative":
		c.relative = true
	case "--remove-source-files", "--remove-sent-files":
		c.removes = true
	case "--munge-links":
		c.munge = true
		return
	case "--safe-links", "--no-munge-links": // decided here, not there
		return
	}
	c.options = append(c.options, name)
}

// shortFlags are the letters that may be in a bundle. Not among them are K, which
// lets a link stand for a directory that is written to, and those with a value.
const shortFlags = "vqnlLkxuWHogDtOJpEAXUNrRbcISdyzCmih"

// short takes a bundle of letters.
func (c *rsyncCall) short(option string) error {
	refused := fmt.Errorf("%w: %s", errOption, option)
	if size, ok := strings.CutPrefix(option, "-B"); ok && isNumber(size) {
		c.options = append(c.options, option)
		return nil
	}
	flags, features, hasFeatures := strings.Cut(option[1:], "e")
	if option == "-" || hasFeatures && !isFeatures(features) {
		return refused
	}
	kept := "-"
	for _, f := range flags {
		switch {
		case f == 's':
			c.protected = true
			continue // what follows is on the command line from here on
		case f == 'R':
			c.relative = true
		case !strings.ContainsRune(shortFlags, f):
			return refused
		}
		kept += string(f)
	}
	if hasFeatures {
		kept += "e" + features
	}
	if kept != "-" {
		c.options = append(c.options, kept)
	}
	return nil
}

// isFeatures reports whether the value of -e is the list of what the client can
// do, which servers are told this way since 3.0: a version for clients under
// test, a dot, letters. Anything else would be a remote shell.
func isFeatures(value string) bool {
	version, letters, ok := strings.Cut(value, ".")
	version2, letters2, ok2 := strings.Cut(letters, ".")
	if ok2 { // "31.14.LsfxC"
		version, letters = version+version2, letters2
	}
	return ok && strings.Trim(version, "0123456789") == "" && isLetters(letters)
}

func isLetters(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
}

// rsyncOptions are the long options that may be given; those with a value have a
// test for it.
func rsyncOptions() map[string]func(string) bool {
	list := map[string]func(string) bool{
		"--partial-dir": isOneName, "--suffix": isOneName,
		"--files-from": func(v string) bool { return v == "-" }, // from the client
		"--log-format": isFormat, "--out-format": isFormat,
		"--usermap": isPlain, "--groupmap": isPlain, "--iconv": isPlain, "--skip-compress": isPlain,
		"--compress-choice": isPlain, "--checksum-choice": isPlain, "--zc": isPlain, "--cc": isPlain,
		"--debug": isPlain, "--info": isPlain, "--stop-at": isPlain,
		"--compress-level": isSigned, "--zl": isSigned, "--modify-window": isSigned, "--max-delete": isSigned,
	}
	for _, name := range strings.Fields(`--block-size --bwlimit --checksum-seed --timeout --contimeout --max-size
		--min-size --max-alloc --stop-after --time-limit --compress-threads`) {
		list[name] = isPlain
	}
	for _, name := range strings.Fields(`--sender --recursive --dirs --old-dirs --relative --no-implied-dirs
		--delete --delete-before --delete-during --delete-after --delete-delay --delete-excluded
		--delete-missing-args --ignore-missing-args --force --ignore-errors --prune-empty-dirs
		--existing --ignore-existing --ignore-times --size-only --checksum --update --whole-file --no-whole-file
		--partial --delay-updates --inplace --append --append-verify --sparse --preallocate --fsync --mkpath
		--backup --numeric-ids --super --omit-dir-times --omit-link-times --open-noatime --atimes --crtimes
		--safe-links --munge-links --no-munge-links --copy-unsafe-links --one-file-system --fuzzy
		--new-compress --old-compress --compress --from0 --list-only --dry-run --itemize-changes
		--remove-source-files --remove-sent-files --no-inc-recursive --inc-recursive --no-i-r --no-r --no-W
		--msgs2stderr --no-msgs2stderr --stats --verbose --quiet --8-bit-output --trust-sender --use-qsort --qsort`) {
		list[name] = nil
	}
	return list
}

// isOneName reports whether v names an entry of a directory.
func isOneName(v string) bool {
	return v != "" && v != "." && v != ".." && len(v) < 256 && !strings.ContainsAny(v, "/\x00")
}

// isPlain reports whether v is a number, a list of names or the like, and surely
// no path.
func isPlain(v string) bool {
	return len(v) < 1024 && !strings.ContainsFunc(v, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_+.,:*@=", r)
	})
}

func isFormat(v string) bool {
	return len(v) < 256 && !strings.ContainsAny(v, "/\x00\n")
}

func isSigned(v string) bool { return isNumber(strings.TrimPrefix(v, "-")) }
