// Command sftpgo is a file transfer server: SFTP, SCP, FTP and WebDAV over one
// tree, with a hook that hears of each file.
package main

import (
	"context"
	"os"
)

func main() {
	relaxTimers(os.Args)
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
