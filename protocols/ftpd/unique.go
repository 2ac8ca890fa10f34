package ftpd

import (
	"context"
	"crypto/rand"
	"errors"
	"path"
	"strings"

	"github.com/fclairamb/ftpserverlib"

	"sftpgo/vfs"
)

// storeUnique serves STOU: the file gets a name that is not taken. It goes to the
// client with reply 150, as RFC 1123, section 4.1.2.9, wants it. The argument,
// which some clients send, is how the name begins.
func (c *client) storeUnique(arg string) []byte {
	return c.begin("STOR", func(ctx context.Context, d *driver) (ftpserver.FileTransfer, error) {
		if arg == "" {
			arg = "upload"
		}
		const fresh = vfs.Write | vfs.Create | vfs.Excl
		length := d.length(fresh)
		for range 10 {
			name, err := d.resolve("STOU", arg+"."+strings.ToLower(rand.Text()[:10]))
			if err != nil {
				return nil, err
			}
			t, err := d.s.UploadSized(ctx, name, fresh, length)
			if errors.Is(err, vfs.ErrExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			c.control.open("FILE: " + path.Base(name))
			return d.started(t), nil
		}
		return nil, vfs.ErrExist
	})
}
