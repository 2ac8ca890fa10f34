package sshd

import (
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
)

// maxListed is how much of a client's list of algorithms goes into the log.
const maxListed = 1000

const hintLegacy = `sftpd.algorithm_profile "legacy", or a list of algorithms, would offer what this client has`

// mismatch is what to log about a client with which no algorithm is common: what
// is missing, what it has, what is offered, and whether the legacy profile would
// have helped.
func mismatch(e *ssh.AlgorithmNegotiationError) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("missing", e.What),
		slog.String("client_has", listed(e.RequestedAlgorithms)),
		slog.String("server_offers", listed(e.SupportedAlgorithms)),
	}
	old := legacy(hasAES())
	all := slices.Concat(old.kex, old.ciphers, old.macs, old.hostKeys)
	if slices.ContainsFunc(e.RequestedAlgorithms, func(name string) bool { return slices.Contains(all, name) }) {
		attrs = append(attrs, slog.String("hint", hintLegacy))
	}
	return attrs
}

// listed leaves out what is no algorithm but a sign that the peer knows an
// extension (RFC 8308, 2.1; strict key exchange).
func listed(names []string) string {
	text := strings.Join(slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return strings.HasPrefix(name, "ext-info-") || strings.HasPrefix(name, "kex-strict-")
	}), ",")
	if len(text) > maxListed {
		return text[:maxListed] + "…"
	}
	return text
}

// unsigned notes, once, that a key of the client came with a kind of signature
// that is not taken: the only thing about algorithms that is not negotiated. The
// library has no type for that error.
func (l *login) unsigned(err error) {
	if err == nil || l.told {
		return
	}
	_, quoted, found := strings.Cut(err.Error(), "ssh: algorithm ")
	quoted, complete := strings.CutSuffix(quoted, " not accepted")
	name, unquoted := strconv.Unquote(quoted)
	if !found || !complete || unquoted != nil {
		return
	}
	l.told = true
	attrs := []slog.Attr{
		slog.String("client_ip", l.remote.String()), slog.String("client", l.client), slog.String("username", l.user),
		slog.String("missing", "signature of users' keys"), slog.String("client_has", listed([]string{name})),
		slog.String("server_offers", listed(l.srv.ssh.PublicKeyAuthAlgorithms)),
	}
	if slices.Contains(legacy(hasAES()).publicKeys, name) {
		attrs = append(attrs, slog.String("hint", hintLegacy))
	}
	l.srv.log.LogAttrs(l.ctx, slog.LevelWarn, "no common algorithm with the client", attrs...)
}
