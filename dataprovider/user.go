package dataprovider

import "slices"

// User is one account, in the form that dumps, the command line and hooks
// exchange. Times are Unix milliseconds. Field order and omissions are part of
// the contract.
type User struct {
	ID             int64  `json:"id"`
	Status         int    `json:"status"` // 1 enabled, 0 disabled
	Username       string `json:"username"`
	ExpirationDate int64  `json:"expiration_date"` // 0 = never
	// Password is plain on input and a hash once stored; it is never shown.
	Password       string              `json:"password,omitempty"`
	PublicKeys     []string            `json:"public_keys,omitempty"` // authorized_keys lines
	HomeDir        string              `json:"home_dir"`
	VirtualFolders []VirtualFolder     `json:"virtual_folders,omitempty"`
	UID            int                 `json:"uid"`
	GID            int                 `json:"gid"`
	MaxSessions    int                 `json:"max_sessions"` // 0 = no limit
	QuotaSize      int64               `json:"quota_size"`   // bytes, 0 = no limit
	QuotaFiles     int                 `json:"quota_files"`  // 0 = no limit
	Permissions    map[string][]string `json:"permissions"`  // directory → permissions

	// The counters are filled from Usage for output and ignored on input.
	UsedQuotaSize   int64 `json:"used_quota_size"`
	UsedQuotaFiles  int   `json:"used_quota_files"`
	LastQuotaUpdate int64 `json:"last_quota_update"`

	UploadBandwidth   int64       `json:"upload_bandwidth"`   // KiB/s, 0 = no limit
	DownloadBandwidth int64       `json:"download_bandwidth"` // KiB/s, 0 = no limit
	LastLogin         int64       `json:"last_login"`         // filled from Usage
	Filters           UserFilters `json:"filters"`
	Filesystem        Filesystem  `json:"filesystem"`
	Description       string      `json:"description,omitempty"`
	AdditionalInfo    string      `json:"additional_info,omitempty"`
}

// UserFilters restrict an account.
type UserFilters struct {
	AllowedIP          []string           `json:"allowed_ip,omitempty"` // CIDR; empty = all
	DeniedIP           []string           `json:"denied_ip,omitempty"`  // CIDR; tested first
	DeniedLoginMethods []string           `json:"denied_login_methods,omitempty"`
	DeniedProtocols    []string           `json:"denied_protocols,omitempty"` // SSH, FTP, DAV, HTTP (tus)
	FileExtensions     []ExtensionsFilter `json:"file_extensions,omitempty"`
	FilePatterns       []PatternsFilter   `json:"file_patterns,omitempty"`
	MaxUploadFileSize  int64              `json:"max_upload_file_size,omitempty"` // bytes, 0 = no limit
	TLSUsername        string             `json:"tls_username,omitempty"`
}

// ExtensionsFilter allows or denies suffixes of file names below a directory.
type ExtensionsFilter struct {
	Path              string   `json:"path"`
	AllowedExtensions []string `json:"allowed_extensions,omitempty"`
	DeniedExtensions  []string `json:"denied_extensions,omitempty"`
}

// PatternsFilter allows or denies shell patterns of file names below a directory.
type PatternsFilter struct {
	Path            string   `json:"path"`
	AllowedPatterns []string `json:"allowed_patterns,omitempty"`
	DeniedPatterns  []string `json:"denied_patterns,omitempty"`
}

// VirtualFolder maps a directory outside the home into the tree of a user.
type VirtualFolder struct {
	ID              int64    `json:"id"`
	Name            string   `json:"name"`
	MappedPath      string   `json:"mapped_path,omitempty"`
	Description     string   `json:"description,omitempty"`
	UsedQuotaSize   int64    `json:"used_quota_size"`
	UsedQuotaFiles  int      `json:"used_quota_files"`
	LastQuotaUpdate int64    `json:"last_quota_update"`
	Users           []string `json:"users,omitempty"`
	VirtualPath     string   `json:"virtual_path"`
	QuotaSize       int64    `json:"quota_size"`
	QuotaFiles      int      `json:"quota_files"`
}

// The values of User.Status.
const (
	StatusDisabled = 0
	StatusEnabled  = 1
)

// The permissions of a directory.
const (
	PermAny            = "*"
	PermList           = "list"
	PermDownload       = "download"
	PermUpload         = "upload"
	PermOverwrite      = "overwrite"
	PermDelete         = "delete"
	PermRename         = "rename"
	PermCreateDirs     = "create_dirs"
	PermCreateSymlinks = "create_symlinks"
	PermChmod          = "chmod"
	PermChown          = "chown"
	PermChtimes        = "chtimes"
)

// Permissions returns all names that a record may use.
func Permissions() []string {
	return []string{
		PermAny, PermList, PermDownload, PermUpload, PermOverwrite, PermDelete, PermRename,
		PermCreateDirs, PermCreateSymlinks, PermChmod, PermChown, PermChtimes,
	}
}

// The login methods, as filters and hooks name them.
const (
	LoginPublicKey           = "publickey"
	LoginPassword            = "password"
	LoginKeyboardInteractive = "keyboard-interactive"
	LoginKeyAndPassword      = "publickey+password"
	LoginKeyAndKeyboard      = "publickey+keyboard-interactive"
	LoginTLSCertificate      = "TLSCertificate"
	LoginTLSAndPassword      = "TLSCertificate+password"
)

// The protocols that an account may be denied.
const (
	ProtocolSSH  = "SSH"
	ProtocolFTP  = "FTP"
	ProtocolDAV  = "DAV"
	ProtocolHTTP = "HTTP" // resumable uploads
)

// Redacted returns a copy without what must not leave the server: the password
// and, inside secrets, key and additional data.
func (u User) Redacted() User {
	u.Password = ""
	u.PublicKeys = slices.Clone(u.PublicKeys)
	u.Filesystem = u.Filesystem.redacted()
	return u
}

// WithUsage returns a copy with the counters filled in.
func (u User) WithUsage(r UsageRecord) User {
	u.UsedQuotaSize, u.UsedQuotaFiles = r.Bytes, int(r.Files)
	u.LastQuotaUpdate, u.LastLogin = 0, 0
	if !r.LastUpdate.IsZero() {
		u.LastQuotaUpdate = r.LastUpdate.UnixMilli()
	}
	if !r.LastLogin.IsZero() {
		u.LastLogin = r.LastLogin.UnixMilli()
	}
	return u
}
