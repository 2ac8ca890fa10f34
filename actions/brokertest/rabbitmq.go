//go:build unix

package brokertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// NewRabbitMQ prepares RabbitMQ with its data below dir. It runs without plugins, by
// itself: neither the configuration of the host nor its port mapper of Erlang (epmd)
// is touched.
func NewRabbitMQ(dir string) (*Broker, error) {
	server, err := find("rabbitmq-server")
	if err != nil {
		return nil, err
	}
	// The one in sbin wants to run as another user; it says where the real one is.
	if real := "/usr/lib/rabbitmq/bin/rabbitmq-server"; exists(real) {
		server = real
	}
	mapper, err := find("epmd")
	if err != nil {
		return nil, err
	}
	p, err := ports(3)
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"plugins": "[].\n", "environment": "", "rabbitmq.conf": "heartbeat = 5\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	environment := append(os.Environ(),
		"HOME="+dir,
		fmt.Sprintf("RABBITMQ_NODENAME=test%d@localhost", p[0]),
		"RABBITMQ_MNESIA_BASE="+filepath.Join(dir, "mnesia"),
		"RABBITMQ_LOG_BASE="+filepath.Join(dir, "log"),
		"RABBITMQ_ENABLED_PLUGINS_FILE="+filepath.Join(dir, "plugins"),
		"RABBITMQ_CONFIG_FILE="+filepath.Join(dir, "rabbitmq.conf"),
		"RABBITMQ_CONF_ENV_FILE="+filepath.Join(dir, "environment"),
		"RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
		"RABBITMQ_NODE_PORT="+strconv.Itoa(p[0]),
		"RABBITMQ_DIST_PORT="+strconv.Itoa(p[1]),
		"ERL_EPMD_PORT="+strconv.Itoa(p[2]),
		"ERL_EPMD_ADDRESS=127.0.0.1",
		// One scheduler, so that a small machine is left for the tests.
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+S 1:1 +sbwt none",
	)
	b := &Broker{
		URL:  fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d", p[0]),
		Port: p[0], dir: dir, greeting: "AMQP\x00\x00\x09\x01",
		command: func() *exec.Cmd {
			c := exec.Command(server)
			c.Dir, c.Env = dir, environment
			return c
		},
	}
	// Erlang would leave one behind.
	b.aside = exec.Command(mapper, "-port", strconv.Itoa(p[2]), "-address", "127.0.0.1")
	b.aside.Env = environment
	if err := b.aside.Start(); err != nil {
		return nil, err
	}
	return b, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
