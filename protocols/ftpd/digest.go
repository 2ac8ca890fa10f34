package ftpd

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"strconv"
	"strings"

	"sftpgo/vfs"
)

// supported is the value of hash_support and combine_support that turns them on.
const supported = 1

// algorithm is one that HASH may be told to use, and the default of a client.
type algorithm string

const (
	algSHA256 algorithm = "SHA-256"
	algSHA512 algorithm = "SHA-512"
	algSHA1   algorithm = "SHA-1"
	algMD5    algorithm = "MD5"
	algCRC32  algorithm = "CRC32"
)

func algorithms() []algorithm { return []algorithm{algSHA256, algSHA512, algSHA1, algMD5, algCRC32} }

// new returns the hash. The weak ones are for transfers that went wrong, not for
// attackers, and the only ones that old clients know.
func (a algorithm) new() hash.Hash {
	switch a {
	case algSHA512:
		return sha512.New()
	case algSHA1:
		return sha1.New()
	case algMD5:
		return md5.New()
	case algCRC32:
		return crc32.NewIEEE()
	}
	return sha256.New()
}

// hashOffer is the list of FEAT (draft-bryan-ftpext-hash, section 3.1): the star
// marks what HASH uses.
func (c *client) hashOffer() string {
	var b strings.Builder
	for _, a := range algorithms() {
		b.WriteString(string(a))
		if a == c.hash {
			b.WriteByte('*')
		}
		b.WriteByte(';')
	}
	return b.String()
}

// chooseHash answers OPTS HASH; without a name it tells the current choice.
func (c *client) chooseHash(name string) (reply, error) {
	if name == "" {
		return reply{code: 200, text: string(c.hash)}, nil
	}
	for _, a := range algorithms() {
		if strings.EqualFold(name, string(a)) {
			c.hash = a
			return reply{code: 200, text: string(a)}, nil
		}
	}
	return reply{}, &refusal{501, "Unknown algorithm, " + string(c.hash) + " stays"}
}

// digestAction is the action of HASH and of the older commands with one algorithm
// each; nil for any other verb.
func (c *client) digestAction(verb string) action {
	var a algorithm
	switch verb {
	case "HASH":
	case "XCRC":
		a = algCRC32
	case "MD5", "XMD5":
		a = algMD5
	case "XSHA", "XSHA1":
		a = algSHA1
	case "XSHA256":
		a = algSHA256
	case "XSHA512":
		a = algSHA512
	default:
		return nil
	}
	return func(ctx context.Context, d *driver, arg string) (reply, error) {
		switch {
		case c.srv.cfg.HashSupport != supported:
			return reply{}, &refusal{502, "Digests are disabled"}
		case verb == "HASH":
			return d.hashFile(ctx, arg)
		}
		return d.hashRange(ctx, verb, a, arg)
	}
}

// hashFile answers HASH: all of the argument is the name.
func (d *driver) hashFile(ctx context.Context, arg string) (reply, error) {
	a := d.c.hash
	sum, n, err := d.sum(ctx, "HASH", a, arg, 0, 0)
	if err != nil {
		return reply{}, err
	}
	return reply{code: 213, text: strings.Join([]string{string(a), "0-" + strconv.FormatInt(n, 10), sum, arg}, " ")}, nil
}

// hashRange answers XCRC and its kin. The bytes from start up to, but not
// including, end may follow the name, which is in quotes if it has spaces; without
// quotes, numbers belong to the name if there is such a file.
func (d *driver) hashRange(ctx context.Context, verb string, a algorithm, arg string) (reply, error) {
	name, numbers, quoted := unquote(arg)
	if !quoted {
		if _, err := d.lookUp(ctx, verb, arg); err != nil {
			name, numbers = trailingNumbers(arg)
		}
	}
	start, end, err := rangeOf(numbers)
	if err != nil {
		return reply{}, err
	}
	if end == start && end > 0 {
		return reply{code: 250, text: hex.EncodeToString(a.new().Sum(nil))}, nil
	}
	length := int64(0)
	if end > 0 {
		length = end - start
	}
	sum, n, err := d.sum(ctx, verb, a, name, start, length)
	if err != nil {
		return reply{}, err
	}
	if n < length || n == 0 && start > 0 {
		return reply{}, &refusal{501, "The range ends beyond the file"}
	}
	return reply{code: 250, text: sum}, nil
}

func (d *driver) sum(ctx context.Context, verb string, a algorithm, raw string, start, length int64) (string, int64, error) {
	name, err := d.resolve(verb, raw)
	if err != nil {
		return "", 0, err
	}
	if info, err := d.s.Stat(ctx, name); err == nil && info.IsDir() {
		return "", 0, vfs.ErrIsDir
	}
	h := a.new()
	// Nobody reads commands meanwhile, and who asks for large files and leaves would
	// keep the server busy.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer d.c.control.watch(cancel)()
	n, err := d.s.DigestRange(ctx, name, h, start, length)
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// errRange is a refusal of numbers that are no range.
var errRange = &refusal{501, "The range is not: start, or start and end"}

// rangeOf reads start and end; end 0 is the end of the file.
func rangeOf(numbers []string) (start, end int64, err error) {
	if len(numbers) > 2 {
		return 0, 0, errRange
	}
	for i, p := range []*int64{&start, &end}[:len(numbers)] {
		if *p, err = strconv.ParseInt(numbers[i], 10, 64); err != nil || *p < 0 {
			return 0, 0, errRange
		}
	}
	if len(numbers) == 2 && (end < start || end == 0) {
		return 0, 0, errRange
	}
	return start, end, nil
}

// unquote splits a name in quotes from the words that follow it. A quote within is
// doubled (RFC 959, appendix II).
func unquote(arg string) (name string, words []string, quoted bool) {
	rest, quoted := strings.CutPrefix(strings.TrimLeft(arg, " "), `"`)
	if !quoted {
		return arg, nil, false
	}
	var b strings.Builder
	for {
		part, after, closed := strings.Cut(rest, `"`)
		b.WriteString(part)
		if !closed {
			return arg, nil, false
		}
		if rest = after; !strings.HasPrefix(rest, `"`) {
			return b.String(), strings.Fields(rest), true
		}
		b.WriteByte('"')
		rest = rest[1:]
	}
}

// trailingNumbers splits up to two numbers from the end of an argument.
func trailingNumbers(arg string) (name string, numbers []string) {
	name = arg
	for len(numbers) < 2 {
		at := strings.LastIndexByte(name, ' ')
		if at < 1 {
			break
		}
		if _, err := strconv.ParseUint(name[at+1:], 10, 63); err != nil {
			break
		}
		numbers = append([]string{name[at+1:]}, numbers...)
		name = name[:at]
	}
	return name, numbers
}
