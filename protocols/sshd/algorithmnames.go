package sshd

import "strings"

// elsewhere returns names of algorithms that OpenSSH, PuTTY, libssh and others
// have or had, and the SSH library here has not. A list of the configuration may
// hold them; what it says for an OpenSSH server need not be wrong for this one.
func elsewhere() []string {
	return strings.Fields(`
sntrup761x25519-sha512@openssh.com sntrup761x25519-sha512 sntrup4591761x25519-sha512@tinyssh.org
mlkem768nistp256-sha256 mlkem1024nistp384-sha384 curve448-sha512
diffie-hellman-group15-sha512 diffie-hellman-group17-sha512 diffie-hellman-group18-sha512
diffie-hellman-group14-sha256@ssh.com rsa1024-sha1 rsa2048-sha256

aes192-cbc aes256-cbc rijndael-cbc@lysator.liu.se blowfish-cbc blowfish-ctr cast128-cbc cast128-ctr
3des-ctr des-cbc des-cbc@ssh.com idea-cbc idea-ctr serpent128-cbc serpent192-cbc serpent256-cbc
serpent128-ctr serpent192-ctr serpent256-ctr twofish-cbc twofish128-cbc twofish192-cbc twofish256-cbc
twofish128-ctr twofish192-ctr twofish256-ctr camellia128-cbc camellia256-cbc camellia128-ctr camellia256-ctr
AEAD_AES_128_GCM AEAD_AES_256_GCM

hmac-md5 hmac-md5-96 hmac-md5-etm@openssh.com hmac-md5-96-etm@openssh.com
hmac-sha1-etm@openssh.com hmac-sha1-96-etm@openssh.com hmac-sha2-256-96 hmac-sha2-512-96
hmac-ripemd160 hmac-ripemd160@openssh.com hmac-ripemd160-etm@openssh.com
umac-64@openssh.com umac-128@openssh.com umac-64-etm@openssh.com umac-128-etm@openssh.com

ssh-ed448 ssh-dss-cert-v01@openssh.com
sk-ssh-ed25519@openssh.com sk-ecdsa-sha2-nistp256@openssh.com
sk-ssh-ed25519-cert-v01@openssh.com sk-ecdsa-sha2-nistp256-cert-v01@openssh.com
webauthn-sk-ecdsa-sha2-nistp256@openssh.com
ssh-rsa-cert-v01@openssh.com rsa-sha2-256-cert-v01@openssh.com rsa-sha2-512-cert-v01@openssh.com
ecdsa-sha2-nistp256-cert-v01@openssh.com ecdsa-sha2-nistp384-cert-v01@openssh.com
ecdsa-sha2-nistp521-cert-v01@openssh.com ssh-ed25519-cert-v01@openssh.com
x509v3-ssh-rsa x509v3-ssh-dss x509v3-rsa2048-sha256 x509v3-ecdsa-sha2-nistp256 x509v3-ecdsa-sha2-nistp384
x509v3-ecdsa-sha2-nistp521 x509v3-sign-rsa x509v3-sign-dss
`)
}
