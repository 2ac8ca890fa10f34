package dataprovider

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strings"
)

// Prepared returns the record in the form in which it is stored: defaults filled
// in, names cleaned, a plain password hashed. usersBaseDir is
// Config.UsersBaseDir. A record that is prepared already comes back unchanged.
//
// If anything is wrong the error wraps ErrInvalid and names every fault on a line
// of its own, each with the path of its JSON key. What this version does not
// enforce yet is a fault as well, so that nothing is silently ignored.
func (u User) Prepared(ctx context.Context, usersBaseDir string, passwords PasswordHasher) (User, error) {
	// The counters are the store's.
	u.UsedQuotaSize, u.UsedQuotaFiles, u.LastQuotaUpdate, u.LastLogin = 0, 0, 0, 0
	var f faults
	u.prepareName(&f, usersBaseDir)
	u.checkRanges(&f)
	hashed := u.checkCredentials(&f, passwords)
	u.Permissions = preparedPermissions(&f, u.Permissions)
	u.Filters = u.Filters.prepared(&f)
	u.Filesystem = u.Filesystem.prepared(&f)
	if len(u.VirtualFolders) > 0 {
		f.add("virtual_folders", "virtual folders are not available in this version")
	}
	u.VirtualFolders = nil
	if err := f.err(); err != nil {
		return User{}, err
	}
	if u.Password != "" && !hashed {
		hash, err := passwords.Hash(ctx, u.Password)
		if err != nil {
			return User{}, fmt.Errorf("password: %w", err)
		}
		u.Password = hash
	}
	return u, nil
}

// faults collects what is wrong with a record.
type faults []error

func (f *faults) add(key, format string, args ...any) {
	*f = append(*f, fmt.Errorf("%s: %w", key, fmt.Errorf(format, args...)))
}

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrInvalid, errors.Join(f...))
}

// maxUsername keeps the name usable as a directory.
const maxUsername = 255

var usernamePattern = regexp.MustCompile(`^[a-zA-Z0-9\-_.~]+$`)

// CheckUsername tells what is wrong with the name of an account, or nil. A name
// made of dots only would leave the directory that holds the homes.
func CheckUsername(name string) error {
	switch {
	case name == "":
		return errors.New("required")
	case len(name) > maxUsername:
		return fmt.Errorf("longer than %d bytes", maxUsername)
	case !usernamePattern.MatchString(name):
		return fmt.Errorf("%q: only letters, digits and - _ . ~ are allowed", name)
	case strings.Trim(name, ".") == "":
		return fmt.Errorf("%q: made of dots only", name)
	}
	return nil
}

func (u *User) prepareName(f *faults, usersBaseDir string) {
	nameErr := CheckUsername(u.Username)
	if nameErr != nil {
		f.add("username", "%w", nameErr)
	}
	if u.HomeDir == "" && usersBaseDir != "" && nameErr == nil {
		u.HomeDir = filepath.Join(usersBaseDir, u.Username)
	}
	switch {
	case u.HomeDir == "" && usersBaseDir == "":
		f.add("home_dir", "required, because data_provider.users_base_dir is not set")
	case u.HomeDir == "": // the username is the fault
	case strings.ContainsRune(u.HomeDir, 0):
		f.add("home_dir", "contains NUL")
	case !filepath.IsAbs(u.HomeDir):
		f.add("home_dir", "%q is not an absolute path", u.HomeDir)
	default:
		u.HomeDir = filepath.Clean(u.HomeDir)
	}
}

// maxID is the largest uid and gid that have an effect.
const maxID = 65535

func (u *User) checkRanges(f *faults) {
	for _, n := range []struct {
		key      string
		value    int64
		min, max int64
	}{
		{"status", int64(u.Status), StatusDisabled, StatusEnabled},
		{"expiration_date", u.ExpirationDate, 0, math.MaxInt64},
		{"uid", int64(u.UID), 0, maxID},
		{"gid", int64(u.GID), 0, maxID},
		{"max_sessions", int64(u.MaxSessions), 0, math.MaxInt32},
		{"quota_size", u.QuotaSize, 0, math.MaxInt64},
		{"quota_files", int64(u.QuotaFiles), 0, math.MaxInt64},
		// In KiB/s; the bytes must fit as well.
		{"upload_bandwidth", u.UploadBandwidth, 0, math.MaxInt64 / 1024},
		{"download_bandwidth", u.DownloadBandwidth, 0, math.MaxInt64 / 1024},
		{"filters.max_upload_file_size", u.Filters.MaxUploadFileSize, 0, math.MaxInt64},
	} {
		switch {
		case n.value < n.min:
			f.add(n.key, "%d is less than %d", n.value, n.min)
		case n.value > n.max:
			f.add(n.key, "%d is more than %d", n.value, n.max)
		}
	}
}

// checkCredentials reports whether the password is a hash already.
func (u *User) checkCredentials(f *faults, passwords PasswordHasher) (hashed bool) {
	if u.Password == "" && len(u.PublicKeys) == 0 {
		f.add("password", "a password or public_keys are required")
	}
	hashed, err := passwords.IsHash(u.Password)
	if err != nil {
		f.add("password", "%w", err)
	}
	keys := make([]string, 0, len(u.PublicKeys))
	for i, line := range u.PublicKeys {
		if _, err := ParseAuthorizedKey(line); err != nil {
			f.add(fmt.Sprintf("public_keys[%d]", i), "%w", err)
		}
		keys = append(keys, strings.TrimSpace(line))
	}
	u.PublicKeys = orNil(keys)
	return hashed
}

// prepared refuses storage that no backend serves yet and clears the blocks of
// the other providers.
func (fs Filesystem) prepared(f *faults) Filesystem {
	names := map[int]string{ProviderS3: "S3", ProviderGCS: "Google Cloud Storage", ProviderAzure: "Azure Blob Storage",
		ProviderCrypt: "encrypted local", ProviderSFTP: "SFTP"}
	switch name, known := names[fs.Provider]; {
	case known:
		f.add("filesystem.provider", "%d (%s storage) is not available in this version; use 0 (local)", fs.Provider, name)
	case fs.Provider != ProviderLocal:
		f.add("filesystem.provider", "%d is unknown; use 0 (local)", fs.Provider)
	}
	return Filesystem{}
}

// orNil makes an empty list the nil list, as it comes back from JSON.
func orNil[E any](list []E) []E {
	if len(list) == 0 {
		return nil
	}
	return list
}
