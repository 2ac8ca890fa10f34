package webdavd

import "sftpgo/protocols/certs"

// files are those of TLS for one binding: its own certificate, else the one of
// all.
func (c Config) files(b Binding, dir string) certs.Files {
	f := certs.Files{
		Dir: dir, Certificate: c.CertificateFile, Key: c.CertificateKeyFile,
		Authorities: c.CACertificates, Revoked: c.CARevocationLists,
	}
	if b.CertificateFile != "" {
		f.Certificate, f.Key = b.CertificateFile, b.CertificateKeyFile
	}
	return f
}
