// Command sftpgo is a file transfer server: SFTP, SCP, FTP, WebDAV and resumable
// uploads over one tree, with hooks that hear of each file.
package main

import (
	"context"
	"os"
)

func main() {
	relaxTimers(os.Args)
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
