package dataprovider_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
)

func newKeyLine(t *testing.T) string {
	t.Helper()
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

func newCertificateLine(t *testing.T, kind uint32) string {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	cert := &ssh.Certificate{Key: key, CertType: kind, ValidPrincipals: []string{"alice"}, ValidBefore: ssh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, signer); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(cert)))
}

func TestAuthorizedKeyOptions(t *testing.T) {
	line := newKeyLine(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for options, c := range map[string]struct {
		ip   string
		want string // part of the reason; empty: allowed
	}{
		``:                                                {},
		`from="192.0.2.9"`:                                {},
		`from="192.0.2.8"`:                                {want: "address 192.0.2.9"},
		`from="192.0.2.0/24"`:                             {},
		`from="198.51.100.0/24,192.0.2.*"`:                {},
		`from="192.0.2.?"`:                                {},
		`from="192.0.?"`:                                  {want: "address"},
		`from="*,!192.0.2.9"`:                             {want: "address"},
		`from="!192.0.2.9,*"`:                             {want: "address"},
		`from="!192.0.2.8"`:                               {want: "address"}, // only negations allow nobody
		`from="!198.51.100.0/24,*"`:                       {},
		`FROM="192.0.2.8"`:                                {want: "address"},
		`from="2001:DB8::/32"`:                            {ip: "2001:db8::5"},
		`from="2001:DB8::5"`:                              {ip: "2001:db8::5"},
		`from="192.0.2.9",from="198.51.100.1"`:            {want: "address"}, // restrictions add up
		`expiry-time="20260302"`:                          {},
		`expiry-time="20260228Z"`:                         {want: "expired on 2026-02-28"},
		`expiry-time="202603011200Z"`:                     {want: "expired"},
		`expiry-time="20260301120001Z"`:                   {},
		`expiry-time="20990101",expiry-time="2020"`:       {want: "parse"},
		`expiry-time="20990101Z",expiry-time="20200101Z"`: {want: "expired on 2020"},
		`expiry-time="tomorrow"`:                          {want: "parse"},
		`from=""`:                                         {want: "parse"},
		`from="*.example.com"`:                            {want: "parse"},
		`from="192.0.2.0/99"`:                             {want: "parse"},
		`cert-authority,from="192.0.2.8"`:                 {want: "address"},
		`cert-authority,principals=""`:                    {want: "parse"},
		`cert-authority,principals="a,"`:                  {want: "parse"},
		`principals="a",principals="b"`:                   {want: "parse"},
	} {
		t.Run(options, func(t *testing.T) {
			k, err := dataprovider.ParseAuthorizedKey(strings.TrimSpace(options + " " + line + " me@pc"))
			if c.want == "parse" {
				if err == nil {
					t.Error("accepted")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			ip := netip.MustParseAddr("::ffff:192.0.2.9")
			if c.ip != "" {
				ip = netip.MustParseAddr(c.ip)
			}
			err = k.Allowed(ip, now)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			if k.Comment != "me@pc" {
				t.Errorf("comment %q", k.Comment)
			}
		})
	}
}

func TestAuthorizedKeyUnknownAddress(t *testing.T) {
	k, err := dataprovider.ParseAuthorizedKey(`from="*" ` + newKeyLine(t))
	if err != nil {
		t.Fatal(err)
	}
	if k.Allowed(netip.Addr{}, time.Now()) == nil {
		t.Error("from= lets a client of unknown address in")
	}
}

func TestAuthorizedKeyIgnored(t *testing.T) {
	k, err := dataprovider.ParseAuthorizedKey(`no-pty,command="echo \"hi, there\"",from="192.0.2.0/24" ` + newKeyLine(t))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"no-pty", "command"}; !slices.Equal(k.Ignored, want) {
		t.Errorf("ignored options %q, want %q", k.Ignored, want)
	}
}

func TestAuthorizedKeyRefused(t *testing.T) {
	line := newKeyLine(t)
	for name, line := range map[string]string{
		"empty":     "",
		"comment":   "# " + line,
		"garbage":   "ssh-ed25519 AAAA",
		"two keys":  line + "\n" + line,
		"authority": "cert-authority " + newCertificateLine(t, ssh.UserCert),
		"host":      newCertificateLine(t, ssh.HostCert),
	} {
		if _, err := dataprovider.ParseAuthorizedKey(line); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAuthorizedKeyAuthority(t *testing.T) {
	line := newKeyLine(t)
	for text, want := range map[string]dataprovider.AuthorizedKey{
		line:                     {},
		"cert-authority " + line: {Authority: true},
		`Cert-Authority,principals="a,b" ` + line:         {Authority: true, Principals: []string{"a", "b"}},
		`principals="a" ` + line:                          {Ignored: []string{"principals"}}, // as sshd does
		newCertificateLine(t, ssh.UserCert):               {},
		`from="192.0.2.0/24" ` + newCertificateLine(t, 1): {},
	} {
		k, err := dataprovider.ParseAuthorizedKey(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if k.Authority != want.Authority || !slices.Equal(k.Principals, want.Principals) || !slices.Equal(k.Ignored, want.Ignored) {
			t.Errorf("%s: authority %v, principals %q, ignored %q", text, k.Authority, k.Principals, k.Ignored)
		}
	}
}
