package dataprovider_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"sftpgo/dataprovider"
)

func TestLoginAllowed(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		change func(u *dataprovider.User)
		ip     string
		want   string // part of the reason; empty: allowed
	}{
		"plain":              {},
		"disabled":           {change: func(u *dataprovider.User) { u.Status = 0 }, want: "disabled"},
		"expired":            {change: func(u *dataprovider.User) { u.ExpirationDate = now.UnixMilli() }, want: "expired on 2026-03-01T12:00:00Z"},
		"expires later":      {change: func(u *dataprovider.User) { u.ExpirationDate = now.UnixMilli() + 1 }},
		"relative home":      {change: func(u *dataprovider.User) { u.HomeDir = "home" }, want: "home directory"},
		"protocol":           {change: func(u *dataprovider.User) { u.Filters.DeniedProtocols = []string{"SSH"} }, want: "protocol SSH"},
		"other protocol":     {change: func(u *dataprovider.User) { u.Filters.DeniedProtocols = []string{"FTP", "DAV"} }},
		"method":             {change: func(u *dataprovider.User) { u.Filters.DeniedLoginMethods = []string{"password"} }, want: "method password"},
		"other method":       {change: func(u *dataprovider.User) { u.Filters.DeniedLoginMethods = []string{"publickey"} }},
		"denied address":     {change: denied("192.0.2.0/24"), want: "192.0.2.9 is denied"},
		"other address":      {change: denied("198.51.100.0/24")},
		"allowed address":    {change: allowed("192.0.2.0/24")},
		"not allowed":        {change: allowed("198.51.100.0/24"), want: "not among"},
		"host bits":          {change: allowed("192.0.2.77/24")},
		"mapped network":     {change: denied("::ffff:192.0.2.0/120"), want: "denied"},
		"mapped address":     {change: denied("192.0.2.0/24"), ip: "::ffff:192.0.2.9", want: "denied"},
		"zone":               {change: denied("fe80::/10"), ip: "fe80::1%eth0", want: "denied"},
		"v6 not in v4 list":  {change: allowed("0.0.0.0/0"), ip: "2001:db8::1", want: "not among"},
		"unreadable denied":  {change: denied("nonsense"), want: "denied"},
		"unreadable allowed": {change: allowed("nonsense"), want: "not among"},
		"unknown address":    {change: denied("192.0.2.0/24"), ip: "-", want: "unknown"},
		"unknown, no lists":  {ip: "-"},
		"denied wins": {change: func(u *dataprovider.User) {
			allowed("192.0.2.0/24")(u)
			denied("192.0.2.9/32")(u)
		}, want: "denied"},
	} {
		t.Run(name, func(t *testing.T) {
			u := dataprovider.User{Status: 1, HomeDir: "/srv/u"}
			if c.change != nil {
				c.change(&u)
			}
			ip := netip.MustParseAddr("192.0.2.9")
			switch c.ip {
			case "":
			case "-":
				ip = netip.Addr{}
			default:
				ip = netip.MustParseAddr(c.ip)
			}
			err := u.LoginAllowed("SSH", "password", ip, now)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

func denied(cidr string) func(*dataprovider.User) {
	return func(u *dataprovider.User) { u.Filters.DeniedIP = []string{cidr} }
}

func allowed(cidr string) func(*dataprovider.User) {
	return func(u *dataprovider.User) { u.Filters.AllowedIP = []string{cidr} }
}

// A second step is for accounts that no single step lets in.
func TestSecondSteps(t *testing.T) {
	const single = "publickey password keyboard-interactive"
	for denied, want := range map[string]string{
		"":                              "",
		"publickey":                     "",
		"publickey password":            "",
		"password keyboard-interactive": "",
		single:                          "publickey+password publickey+keyboard-interactive",
		single + " publickey+password":  "publickey+keyboard-interactive",
		single + " publickey+keyboard-interactive TLSCertificate":     "publickey+password",
		single + " publickey+keyboard-interactive publickey+password": "",
	} {
		u := dataprovider.User{Filters: dataprovider.UserFilters{DeniedLoginMethods: strings.Fields(denied)}}
		if got := strings.Join(u.SecondSteps(), " "); got != want {
			t.Errorf("denied %q: %q, want %q", denied, got, want)
		}
	}
}
