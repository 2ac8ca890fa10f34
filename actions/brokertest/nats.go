//go:build unix

package brokertest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
)

// NewNATS prepares a NATS server with JetStream and its data below dir. Arguments
// are further ones of nats-server.
func NewNATS(dir string, arguments ...string) (*Broker, error) {
	server, err := find("nats-server")
	if err != nil {
		return nil, err
	}
	p, err := ports(1)
	if err != nil {
		return nil, err
	}
	return &Broker{
		URL:  fmt.Sprintf("nats://127.0.0.1:%d", p[0]),
		Port: p[0], dir: dir,
		command: func() *exec.Cmd {
			return exec.Command(server, append([]string{
				"--addr", "127.0.0.1", "--port", strconv.Itoa(p[0]), "--jetstream", "--store_dir", filepath.Join(dir, "jetstream"),
			}, arguments...)...)
		},
	}, nil
}
