package sshd

import (
	"log/slog"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// maxListed is how much of a client's list of algorithms goes into the log.
const maxListed = 1000

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
		attrs = append(attrs, slog.String("hint", `sftpd.algorithm_profile "legacy", or a list of algorithms, would offer what this client has`))
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
