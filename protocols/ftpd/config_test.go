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
			{CertificateFile: "cert.pem"}, {MinTLSVersion: 11}, {TLSCipherSuites: []string{"TLS_RSA_WITH_RC4_128_SHA"}}, {TLSSessionReuse: 2},
			{ClientAuthType: 3}, {ClientAuthType: 1}, {ForcePassiveIP: "192.0.2.1", PassiveHost: "ftp.example"},
			{PassiveIPOverrides: []ftpd.PassiveIPOverride{{Networks: []string{"10.0.0.0/8", "10.0.0.1"}, IP: "here"}}},
			{PassiveConnectionsSecurity: 2}, {TLSEnd: 2},
		},
		CertificateKeyFile: "key.pem",
		PassivePortRange:   ftpd.PortRange{Start: 1, End: 70000},
		HashSupport:        2,
		CombineSupport:     -1,
	}
	err := c.Validate()
	if err == nil {
		t.Fatal("no fault found")
	}
	faults := strings.Split(err.Error(), "\n")
	want := []string{
		"bindings.0.port:", "bindings.1.tls_mode:", "bindings.3.force_passive_ip:",
		"bindings.5.certificate_file:", "bindings.6.min_tls_version:", "bindings.7.tls_cipher_suites:", "bindings.8.tls_session_reuse:",
		"bindings.9.client_auth_type:", "bindings.10.client_auth_type:", "bindings.11.passive_host:",
		"bindings.12.passive_ip_overrides.0.ip:", "bindings.12.passive_ip_overrides.0.networks.1:",
		"bindings.13.passive_connections_security:", "bindings.14.tls_end:",
		"certificate_file:", "hash_support:", "combine_support:", "passive_port_range:",
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
