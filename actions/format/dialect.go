package format

import (
	"fmt"

	"sftpgo/actions"
)

// New returns the format that the setting "format" of a hook names.
func New(name string) (actions.Format, error) {
	switch name {
	case actions.FormatRustus:
		return Rustus{}, nil
	case actions.FormatRustusV2:
		return RustusV2{}, nil
	case actions.FormatTusd:
		return Tusd{}, nil
	case actions.FormatTusdV2:
		return TusdV2{}, nil
	case actions.FormatSFTPGo:
		return SFTPGo{Extended: true}, nil
	case actions.FormatCloudEvents:
		return CloudEvents{}, nil
	}
	return nil, fmt.Errorf("unknown format %q", name)
}
