package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// tusAbsentFlags are options of Rustus that this version does not have. Each is
// refused where it is given: somebody relies on it.
type tusAbsentFlags struct{ given []string }

// absentFlag notes that it was given.
type absentFlag struct {
	name, reason string
	list         *tusAbsentFlags
}

var _ pflag.Value = absentFlag{}

// Set implements pflag.Value. The value may be a secret.
func (a absentFlag) Set(string) error {
	a.list.given = append(a.list.given, fmt.Sprintf("--%s: %s", a.name, a.reason))
	return nil
}

// String implements pflag.Value.
func (absentFlag) String() string { return "" }

// Type implements pflag.Value.
func (absentFlag) Type() string { return "string" }

func (f *tusAbsentFlags) register(flags *pflag.FlagSet) {
	const (
		noSentry = "reports to Sentry are not available in this version"
		noKafka  = "Kafka is not available in this version; there are programs, URLs, RabbitMQ and NATS"
		noS3     = "storage in S3 is not available in this version"
	)
	add := func(reason string, names ...string) {
		for _, name := range names {
			flags.Var(absentFlag{name, reason, f}, name, reason)
			flag := flags.Lookup(name)
			flag.Hidden = true
			bindEnvironment(flags, name, "RUSTUS_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_")))
		}
	}
	add(noSentry, "sentry-dsn", "sentry-sample-rate")
	add(noKafka, "hooks-kafka-urls", "hooks-kafka-client-id", "hooks-kafka-topic", "hooks-kafka-prefix", "hooks-kafka-required-acks",
		"hooks-kafka-compression", "hooks-kafka-idle-timeout", "hooks-kafka-send-timeout", "hooks-kafka-extra-options")
	add(noS3, "s3-url", "s3-bucket", "s3-region", "s3-access-key", "s3-secret-key", "s3-access-key-path", "s3-secret-key-path",
		"s3-security-token", "s3-session-token", "s3-profile", "s3-headers", "s3-concat-concurrent-downloads")
	add(noS3, "s3-force-path-style")
	flags.Lookup("s3-force-path-style").NoOptDefVal = "true"
}

// refusal is one line for each, or nil.
func (f *tusAbsentFlags) refusal() error {
	var errs []error
	for _, line := range f.given {
		errs = append(errs, errors.New(line))
	}
	return errors.Join(errs...)
}
