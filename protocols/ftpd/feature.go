package ftpd

import (
	"context"
	"strings"
)

// features answers FEAT (RFC 2389): a feature that is configured off is not named.
func (c *client) features(context.Context, *driver, string) (reply, error) {
	body := []string{"UTF8", "CLNT", "SIZE", "MDTM", "MFMT", "REST STREAM", "TVFS", "EPSV", "AVBL",
		"AUTH TLS", "PBSZ", "PROT",
		"MLST " + c.facts.offer(), "MLSD"}
	if !c.srv.cfg.DisableActiveMode {
		body = append(body, "EPRT")
	}
	if c.srv.cfg.HashSupport == supported {
		body = append(body, "HASH "+c.hashOffer(), "XCRC", "MD5", "XMD5", "XSHA", "XSHA1", "XSHA256", "XSHA512")
	}
	if c.srv.cfg.CombineSupport == supported {
		body = append(body, "COMB")
	}
	if c.srv.cfg.EnableSite {
		body = append(body, "SITE CHMOD", "SITE SYMLINK", "SITE UTIME")
	}
	return reply{code: 211, head: "Extensions supported:", body: body, text: "End"}, nil
}

// option answers OPTS.
func (c *client) option(_ context.Context, _ *driver, arg string) (reply, error) {
	name, value, _ := strings.Cut(arg, " ")
	value = strings.TrimSpace(value)
	switch strings.ToUpper(name) {
	case "UTF8", "UTF-8":
		if strings.EqualFold(value, "OFF") {
			return reply{}, &refusal{504, "Names are always UTF-8"}
		}
		return reply{code: 200, text: "Names are UTF-8"}, nil
	case "MLST": // RFC 3659, section 7.9
		c.facts = factsOf(value)
		return reply{code: 200, text: "MLST OPTS " + c.facts.String()}, nil
	case "HASH":
		if c.srv.cfg.HashSupport == supported {
			return c.chooseHash(value)
		}
	}
	return reply{}, &refusal{501, "Unknown option"}
}
