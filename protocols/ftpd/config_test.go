package ftpd_test

import (
	"strings"
	"testing"

	"sftpgo/protocols/ftpd"
)

func TestConfigValidate(t *testing.T) {
	if err := ftpd.DefaultConfig().Validate(); err != nil {
		t.Errorf("the defaults have faults: %v", err)
	}
	c := ftpd.Config{
		Bindings: []ftpd.Binding{
			{Port: 70000}, {TLSMode: 3}, {Port: 2121, TLSMode: 1}, {ForcePassiveIP: "::1"}, {ForcePassiveIP: "192.0.2.1"},
		},
		CertificateKeyFile: "key.pem",
		PassivePortRange:   ftpd.PortRange{Start: 1, End: 70000},
	}
	err := c.Validate()
	if err == nil {
		t.Fatal("no fault found")
	}
	faults := strings.Split(err.Error(), "\n")
	want := []string{
		"bindings.0.port:", "bindings.1.tls_mode:", "bindings.2.tls_mode:", "bindings.3.force_passive_ip:",
		"certificate_file:", "passive_port_range:",
	}
	if len(faults) != len(want) {
		t.Fatalf("%d faults, want %d:\n%v", len(faults), len(want), err)
	}
	for i := range want {
		if !strings.HasPrefix(faults[i], want[i]) {
			t.Errorf("fault %q, want one of %s", faults[i], want[i])
		}
	}
}
