package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"sftpgo/actions"
)

// parseTus reads options and variables as the command does, in a directory of its
// own.
func parseTus(t *testing.T, environment map[string]string, args ...string) (*tusFlags, error) {
	t.Helper()
	for name, value := range environment {
		t.Setenv(name, value)
	}
	var f tusFlags
	cmd := &cobra.Command{Use: "tus", SilenceErrors: true, SilenceUsage: true, RunE: func(cmd *cobra.Command, _ []string) error {
		if err := setFromEnvironment(cmd); err != nil {
			return err
		}
		return f.validate()
	}}
	f.register(cmd)
	cmd.SetArgs(args)
	return &f, cmd.Execute()
}

func TestTusDefaults(t *testing.T) {
	f, err := parseTus(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f.server.host != "0.0.0.0" || f.server.port != 1081 || f.server.prefix() != "/files" || f.data.dataDir != "./data" || f.data.infoDir != "./data" {
		t.Errorf("%+v", f)
	}
	if !f.server.allowEmpty || f.server.behindProxy || f.server.maxBodySize != 0 || f.hooks.httpTimeout != 2 {
		t.Errorf("%+v", f)
	}
	if hooks, err := f.hooks.chain(); len(hooks) != 0 || err != nil {
		t.Errorf("%v, %v", hooks, err)
	}
}

// TestTusPrintedAMQP is the longest example of the contract, as options and as
// variables.
func TestTusPrintedAMQP(t *testing.T) {
	want := []actions.Hook{{
		Name: "amqp", Target: "amqp://guest:guest@localhost:5672", Format: "rustus", Events: tusEvents(), OnError: "allow",
		AMQP: actions.HookAMQP{
			Exchange: "rustus", ExchangeKind: "topic", DeclareExchange: true, DurableExchange: true, DeclareQueues: true,
			DurableQueues: true, QueuesPrefix: "rustus_prefix", RoutingKey: "route66", Celery: true, ConnectionPoolSize: 10,
			ChannelPoolSize: 10, IdleConnectionTimeout: 20, IdleChannelsTimeout: 10,
		},
	}}
	for name, parse := range map[string]func(*testing.T) (*tusFlags, error){
		"options": func(t *testing.T) (*tusFlags, error) {
			return parseTus(t, nil, "--hooks-amqp-url", "amqp://guest:guest@localhost:5672", "--hooks-amqp-queues-prefix", "rustus_prefix",
				"--hooks-amqp-exchange", "rustus", "--hooks-amqp-exchange-kind", "topic", "--hooks-amqp-routing-key", "route66",
				"--hooks-amqp-declare-exchange", "--hooks-amqp-declare-queues", "--hooks_amqp_durable_exchange", "--hooks-amqp-durable-queues",
				"--hooks-amqp-celery", "--hooks-amqp-connection-pool-size", "10", "--hooks-amqp-channel-pool-size", "10",
				"--hooks-amqp-idle-connection-timeout", "20", "--hooks-amqp-idle-channels-timeout", "10")
		},
		"variables": func(t *testing.T) (*tusFlags, error) {
			return parseTus(t, map[string]string{
				"RUSTUS_HOOKS_AMQP_URL": "amqp://guest:guest@localhost:5672", "RUSTUS_HOOKS_AMQP_QUEUES_PREFIX": "rustus_prefix",
				"RUSTUS_HOOKS_AMQP_EXCHANGE": "rustus", "RUSTUS_HOOKS_AMQP_EXCHANGE_KIND": "topic", "RUSTUS_HOOKS_AMQP_ROUTING_KEY": "route66",
				"RUSTUS_HOOKS_AMQP_DECLARE_EXCHANGE": "true", "RUSTUS_HOOKS_AMQP_DECLARE_QUEUES": "true",
				"RUSTUS_HOOKS_AMQP_DURABLE_EXCHANGE": "true", "RUSTUS_HOOKS_AMQP_DURABLE_QUEUES": "true", "RUSTUS_HOOKS_AMQP_CELERY": "true",
				"RUSTUS_HOOKS_AMQP_CONNECTION_POOL_SIZE": "10", "RUSTUS_HOOKS_AMQP_CHANNEL_POOL_SIZE": "10",
				"RUSTUS_HOOKS_AMQP_IDLE_CONNECTION_TIMEOUT": "20", "RUSTUS_HOOKS_AMQP_IDLE_CHANNELS_TIMEOUT": "10",
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := parse(t)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.hooks.chain()
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got)\n%s", err, diff)
			}
		})
	}
}

// TestTusChain: the order is that of Rustus, whatever that of the options is.
func TestTusChain(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	f, err := parseTus(t, map[string]string{"RUSTUS_HOOKS_FORMAT": "v2", "RUSTUS_HOOKS_NATS_USER": "u"},
		"--hooks-amqp-url", "amqp://host", "--hooks-nats-urls", "host:4222,nats://other:4222", "--hooks-nats-password", "p",
		"--hooks-nats-prefix", "up", "--hooks-nats-wait-for-replies", "--hooks-http-urls", "http://a/x,http://b/y",
		"--hooks-http-proxy-headers", "Authorization,X-Trace", "--hooks-dir", "hooks", "--hooks-file", "hooks/single.sh",
		"--hooks", "pre-create,post-finish", "--http-hook-timeout", "7")
	if err != nil {
		t.Fatal(err)
	}
	events, headers := []string{"pre-create", "post-finish"}, []string{"Authorization", "X-Trace"}
	want := []actions.Hook{
		{Name: "file", Target: filepath.Join(dir, "hooks/single.sh"), Format: "rustus-v2", Events: events, Timeout: 30},
		{Name: "dir", Target: filepath.Join(dir, "hooks"), Format: "rustus-v2", Events: events, Timeout: 30, Missing: "error"},
		{Name: "http", Target: "http://a/x", Format: "rustus-v2", Events: events, Timeout: 7, ProxyHeaders: headers},
		{Name: "http-2", Target: "http://b/y", Format: "rustus-v2", Events: events, Timeout: 7, ProxyHeaders: headers},
		{
			Name: "nats", Target: "nats://host:4222", Format: "rustus-v2", Events: events, OnError: "deny",
			NATS: actions.HookNATS{URLs: []string{"nats://other:4222"}, Prefix: "up", Core: true, WaitForReplies: true, User: "u", Password: "p"},
		},
		{
			Name: "amqp", Target: "amqp://host", Format: "rustus-v2", Events: events, OnError: "allow",
			AMQP: actions.HookAMQP{QueuesPrefix: "rustus", Exchange: "rustus", ExchangeKind: "topic", ConnectionPoolSize: 10, ChannelPoolSize: 10},
		},
	}
	got, err := f.hooks.chain()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	f.hooks.events.values = nil
	if got, err := f.hooks.chain(); len(got) != 0 || err != nil {
		t.Errorf("no events, but %v, %v", got, err)
	}
}

// TestTusRefused: what is wrong, or not there, is said in one line that names the
// option.
func TestTusRefused(t *testing.T) {
	for line, want := range map[string]string{
		"--hooks pre-create,post-crate":           `--hooks: unknown event "post-crate"`,
		"--hooks=pre-create,\u00a0post-create":    `--hooks: unknown event`,
		"--hooks-format v3":                       `--hooks-format: "v3"`,
		"--storage s3":                            `--storage: s3 is not available`,
		"--storage hybrid-s3":                     `--storage: hybrid-s3 is not available`,
		"-s disk":                                 `--storage: unknown "disk"`,
		"--s3-bucket b":                           `--s3-bucket: storage in S3 is not available`,
		"--s3-force-path-style":                   `--s3-force-path-style: storage in S3`,
		"--hooks-kafka-urls localhost:9092":       `--hooks-kafka-urls: Kafka is not available`,
		"--sentry-dsn https://secret@sentry.io/1": `--sentry-dsn: reports to Sentry`,
		"--info-storage db-info-storage":          `--info-storage: a database is not available`,
		"--info-storage redis-info-storage":       `--info-db-dsn: --info-storage redis-info-storage needs it`,
		"--info-db-dsn redis://localhost":         `--info-db-dsn: it is for --info-storage redis-info-storage`,
		"--redis-info-expiration 5":               `--redis-info-expiration: it is for`,
		"--dir-structure ../{year}":               `--dir-structure:`,
		"--dir-structure a/../../b":               `--dir-structure:`,
		"--dir-structure .sftpgo":                 `--dir-structure:`,
		"--tus-extensions creation,partial":       `--tus-extensions: unknown extension "partial"`,
		"--ietf-drafts 6,7":                       `--ietf-drafts: "7" is not 6 or 8`,
		"--log-level loud":                        `--log-level: "loud"`,
		"--port 70000":                            `--port: 70000`,
		"--max-body-size -1":                      `--max-body-size: -1 is negative`,
		"--trusted-proxies 10.0.0.1":              `--trusted-proxies: it is for a server with --behind-proxy`,
		"--behind-proxy --trusted-proxies proxy":  `--trusted-proxies: "proxy"`,
		"--behind-proxy=yes":                      `--behind-proxy`,
		"--url /health":                           `--url: "/health" is taken`,
		"--url /a//b":                             `--url: "/a//b" has a part that is empty`,
		"--cors https://*.example.*":              `--cors: "https://*.example.*" has more than one *`,
		"--url /a%2fb":                            `--url:`,
		"--external-url https://user@host":        `--external-url:`,
		"--hooks-http-urls ftp://host/hook":       `--hooks-http-urls: target:`,
		"--hooks-file no-such-program":            `--hooks-file: "no-such-program" is not in PATH`,
		"--hooks-nats-urls nats://h --hooks-nats-subject a --hooks-nats-prefix b": `--hooks-nats-urls: nats.subject:`,
	} {
		t.Run(line, func(t *testing.T) {
			f, err := parseTus(t, nil, strings.Split(line, " ")...)
			if err == nil {
				_, err = f.hooks.chain()
			}
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

func TestTusVariables(t *testing.T) {
	f, err := parseTus(t, map[string]string{
		"RUSTUS_SERVER_HOST": "127.0.0.1", "RUSTUS_SERVER_PORT": "8080", "RUSTUS_WORKERS": "3", "RUSTUS_BEHIND_PROXY": "true",
		"RUSTUS_ALLOW_EMPTY": "false", "RUSTUS_URL": "up/load/", "RUSTUS_HOOKS": "pre-create",
	}, "--port", "9090")
	if err != nil {
		t.Fatal(err)
	}
	if s := f.server; s.host != "127.0.0.1" || s.port != 9090 || s.workers != 3 || !s.behindProxy || s.allowEmpty || s.prefix() != "/up/load" {
		t.Errorf("%+v", s)
	}
	if diff := cmp.Diff([]string{"pre-create"}, f.hooks.events.values); diff != "" {
		t.Error(diff)
	}
	for name, value := range map[string]string{
		"RUSTUS_BEHIND_PROXY": "1", "RUSTUS_HOOKS_AMQP_CELERY": "True", "RUSTUS_SERVER_PORT": "http", "RUSTUS_S3_BUCKET": "b",
		"RUSTUS_HOOKS_KAFKA_TOPIC": "t", "RUSTUS_SENTRY_DSN": "d",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseTus(t, map[string]string{name: value}); err == nil {
				t.Errorf("%s=%s is taken", name, value)
			}
		})
	}
}

func TestTusDirectory(t *testing.T) {
	at := time.Date(2024, 3, 7, 23, 5, 0, 0, time.FixedZone("", -2*3600)) // 01:05 of the next day in UTC
	for structure, want := range map[string]string{
		"": "", "{year}/{month}/{day}": "2024/3/8", "/a/{hour}-{minute}/": "a/1-5", "{week}//x": "{week}/x",
	} {
		f := tusDataFlags{dirStructure: structure}
		if got := f.directory(at); got != want {
			t.Errorf("%q: %q, want %q", structure, got, want)
		}
	}
}

// TestDotEnv: the environment has the last word.
func TestDotEnv(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := loadDotEnv(); err != nil {
		t.Errorf("no file: %v", err)
	}
	text := "# comment\nexport RUSTUS_TEST_A='one two'\nRUSTUS_TEST_B=three\n\nRUSTUS_TEST_C=\"four\"\n"
	if err := os.WriteFile(".env", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"A", "C"} { // restored at the end
		t.Setenv("RUSTUS_TEST_"+name, "")
		if err := os.Unsetenv("RUSTUS_TEST_" + name); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("RUSTUS_TEST_B", "mine")
	if err := loadDotEnv(); err != nil {
		t.Fatal(err)
	}
	got := os.Getenv("RUSTUS_TEST_A") + "|" + os.Getenv("RUSTUS_TEST_B") + "|" + os.Getenv("RUSTUS_TEST_C")
	if got != "one two|mine|four" {
		t.Error(got)
	}
	if err := os.WriteFile(".env", []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := loadDotEnv(); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
