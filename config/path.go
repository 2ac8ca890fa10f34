package config

import (
	"fmt"
	"strconv"
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
		"data_provider.name":             &c.DataProvider.Name,
		"data_provider.users_base_dir":   &c.DataProvider.UsersBaseDir,
		"telemetry.auth_user_file":       &c.Telemetry.AuthUserFile,
		"telemetry.certificate_file":     &c.Telemetry.CertificateFile,
		"telemetry.certificate_key_file": &c.Telemetry.CertificateKeyFile,
	}
	for i := range c.SFTPD.HostKeys {
		paths["sftpd.host_keys."+strconv.Itoa(i)] = &c.SFTPD.HostKeys[i]
	}
	for i := range c.SFTPD.HostCertificates {
		paths["sftpd.host_certificates."+strconv.Itoa(i)] = &c.SFTPD.HostCertificates[i]
	}
	for i := range c.SFTPD.TrustedUserCAKeys {
		paths["sftpd.trusted_user_ca_keys."+strconv.Itoa(i)] = &c.SFTPD.TrustedUserCAKeys[i]
	}
	for i := range c.FTPD.Bindings {
		at := "ftpd.bindings." + strconv.Itoa(i)
		paths[at+".certificate_file"] = &c.FTPD.Bindings[i].CertificateFile
		paths[at+".certificate_key_file"] = &c.FTPD.Bindings[i].CertificateKeyFile
	}
	for i := range c.FTPD.CACertificates {
		paths["ftpd.ca_certificates."+strconv.Itoa(i)] = &c.FTPD.CACertificates[i]
	}
	for i := range c.FTPD.CARevocationLists {
		paths["ftpd.ca_revocation_lists."+strconv.Itoa(i)] = &c.FTPD.CARevocationLists[i]
	}
	for i := range c.WebDAVD.Bindings {
		at := "webdavd.bindings." + strconv.Itoa(i)
		paths[at+".certificate_file"] = &c.WebDAVD.Bindings[i].CertificateFile
		paths[at+".certificate_key_file"] = &c.WebDAVD.Bindings[i].CertificateKeyFile
	}
	for i := range c.WebDAVD.CACertificates {
		paths["webdavd.ca_certificates."+strconv.Itoa(i)] = &c.WebDAVD.CACertificates[i]
	}
	for i := range c.WebDAVD.CARevocationLists {
		paths["webdavd.ca_revocation_lists."+strconv.Itoa(i)] = &c.WebDAVD.CARevocationLists[i]
	}
	for i := range c.HTTP.CACertificates {
		paths["http.ca_certificates."+strconv.Itoa(i)] = &c.HTTP.CACertificates[i]
	}
	for i := range c.HTTP.Certificates {
		paths["http.certificates."+strconv.Itoa(i)+".cert"] = &c.HTTP.Certificates[i].Cert
		paths["http.certificates."+strconv.Itoa(i)+".key"] = &c.HTTP.Certificates[i].Key
	}
	return paths
}
