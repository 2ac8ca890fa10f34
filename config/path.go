package config

import (
	"fmt"
	"strconv"

	"sftpgo/dataprovider"
)

// resolve makes the paths of c absolute and returns those that are none.
func (c *Config) resolve(r Report) []error {
	var errs []error
	paths := c.paths()
	for _, key := range sortedKeys(paths) {
		switch path := paths[key]; *path {
		case "":
		case ".", "..":
			errs = append(errs, fmt.Errorf("%s: %q is not taken as a path here; write the whole path", key, *path))
		default:
			*path = r.Resolve(*path)
		}
	}
	return errs
}

// paths returns the values that name files, by key. The socket of
// telemetry.bind_address and the program of a hook are absolute anyway.
func (c *Config) paths() map[string]*string {
	paths := map[string]*string{
		"sftpd.login_banner_file":        &c.SFTPD.LoginBannerFile,
		"sftpd.revoked_user_certs_file":  &c.SFTPD.RevokedUserCertsFile,
		"ftpd.banner_file":               &c.FTPD.BannerFile,
		"ftpd.certificate_file":          &c.FTPD.CertificateFile,
		"ftpd.certificate_key_file":      &c.FTPD.CertificateKeyFile,
		"webdavd.certificate_file":       &c.WebDAVD.CertificateFile,
		"webdavd.certificate_key_file":   &c.WebDAVD.CertificateKeyFile,
		"tus.certificate_file":           &c.Tus.CertificateFile,
		"tus.certificate_key_file":       &c.Tus.CertificateKeyFile,
		"data_provider.users_base_dir":   &c.DataProvider.UsersBaseDir,
		"telemetry.auth_user_file":       &c.Telemetry.AuthUserFile,
		"telemetry.certificate_file":     &c.Telemetry.CertificateFile,
		"telemetry.certificate_key_file": &c.Telemetry.CertificateKeyFile,
	}
	if c.DataProvider.Driver != dataprovider.DriverPostgres {
		paths["data_provider.name"] = &c.DataProvider.Name
	}
	for name, list := range map[string][]string{
		"sftpd.host_keys":             c.SFTPD.HostKeys,
		"sftpd.host_certificates":     c.SFTPD.HostCertificates,
		"sftpd.trusted_user_ca_keys":  c.SFTPD.TrustedUserCAKeys,
		"ftpd.ca_certificates":        c.FTPD.CACertificates,
		"ftpd.ca_revocation_lists":    c.FTPD.CARevocationLists,
		"webdavd.ca_certificates":     c.WebDAVD.CACertificates,
		"webdavd.ca_revocation_lists": c.WebDAVD.CARevocationLists,
		"tus.ca_certificates":         c.Tus.CACertificates,
		"tus.ca_revocation_lists":     c.Tus.CARevocationLists,
		"http.ca_certificates":        c.HTTP.CACertificates,
	} {
		for i := range list {
			paths[name+"."+strconv.Itoa(i)] = &list[i]
		}
	}
	for i := range c.FTPD.Bindings {
		at := "ftpd.bindings." + strconv.Itoa(i)
		paths[at+".certificate_file"] = &c.FTPD.Bindings[i].CertificateFile
		paths[at+".certificate_key_file"] = &c.FTPD.Bindings[i].CertificateKeyFile
	}
	for i := range c.WebDAVD.Bindings {
		at := "webdavd.bindings." + strconv.Itoa(i)
		paths[at+".certificate_file"] = &c.WebDAVD.Bindings[i].CertificateFile
		paths[at+".certificate_key_file"] = &c.WebDAVD.Bindings[i].CertificateKeyFile
	}
	for i := range c.Tus.Bindings {
		at := "tus.bindings." + strconv.Itoa(i)
		paths[at+".certificate_file"] = &c.Tus.Bindings[i].CertificateFile
		paths[at+".certificate_key_file"] = &c.Tus.Bindings[i].CertificateKeyFile
	}
	for i := range c.HTTP.Certificates {
		paths["http.certificates."+strconv.Itoa(i)+".cert"] = &c.HTTP.Certificates[i].Cert
		paths["http.certificates."+strconv.Itoa(i)+".key"] = &c.HTTP.Certificates[i].Key
	}
	for i := range c.Hooks {
		at, tls := "hooks."+strconv.Itoa(i)+".tls", &c.Hooks[i].TLS
		paths[at+".certificate_file"] = &tls.CertificateFile
		paths[at+".certificate_key_file"] = &tls.CertificateKeyFile
		for j := range tls.CACertificates {
			paths[at+".ca_certificates."+strconv.Itoa(j)] = &tls.CACertificates[j]
		}
	}
	return paths
}
