package config

import "strings"

// unavailable returns the keys that configuration files of other installations
// hold and that have no effect in this version. They are accepted with one
// warning, so that such a file starts the server unchanged; any other key that
// nothing reads is an error. "[]" stands for the elements of a list. A section
// without keys here takes any key.
//
// A key that becomes available leaves this list; a test holds the two apart.
func unavailable() []string {
	return strings.Fields(`
common.post_connect_hook
common.defender.enabled
common.defender.ban_time
common.defender.ban_time_increment
common.defender.threshold
common.defender.score_invalid
common.defender.score_valid
common.defender.observation_time
common.defender.entries_soft_limit
common.defender.entries_hard_limit
common.defender.safelist_file
common.defender.blocklist_file

common.startup_hook
common.post_disconnect_hook
common.max_per_host_connections
common.rate_limiters[].average
common.rate_limiters[].period
common.rate_limiters[].burst
common.rate_limiters[].type
common.rate_limiters[].protocols
common.umask
common.defender.login_delay
common.tz

sftpd.bind_port
sftpd.bind_address
sftpd.idle_timeout
sftpd.upload_mode
sftpd.actions
sftpd.keys
sftpd.setstat_mode
sftpd.proxy_protocol
sftpd.proxy_allowed

ftpd.bind_port
ftpd.bind_address
ftpd.tls_mode
ftpd.force_passive_ip

webdavd.bind_port
webdavd.bind_address
webdavd.cache.enabled
webdavd.cache.users.expiration_time
webdavd.cache.users.max_size
webdavd.cache.mime_types.enabled
webdavd.cache.mime_types.max_size

data_provider.sql_tables_prefix
data_provider.external_auth_hook
data_provider.external_auth_scope
data_provider.external_auth_program
data_provider.pre_login_hook
data_provider.pre_login_program
data_provider.post_login_hook
data_provider.post_login_scope
data_provider.check_password_hook
data_provider.check_password_scope
data_provider.credentials_path
data_provider.prefer_database_credentials

data_provider.password_file
data_provider.delayed_quota_update
data_provider.password_hashing.algo
data_provider.password_hashing.bcrypt_options
data_provider.password_validation
data_provider.password_caching
data_provider.naming_rules
data_provider.is_shared
data_provider.create_default_admin
data_provider.actions.execute_for

httpd.bind_port
httpd.bind_address
httpd.bindings[].port
httpd.bindings[].address
httpd.bindings[].enable_web_admin
httpd.bindings[].enable_https
httpd.bindings[].client_auth_type
httpd.bindings[].tls_cipher_suites
httpd.templates_path
httpd.static_files_path
httpd.backups_path
httpd.certificate_file
httpd.certificate_key_file
httpd.ca_certificates
httpd.ca_revocation_lists

httpd.bindings[].certificate_file
httpd.bindings[].certificate_key_file
httpd.bindings[].min_tls_version
httpd.bindings[].proxy_allowed
httpd.bindings[].client_ip_proxy_header
httpd.bindings[].client_ip_header_depth

telemetry.min_tls_version

http.headers

kms.secrets.url
kms.secrets.master_key_path
kms.secrets.master_key

acme
command
mfa
plugins
smtp
`)
}
