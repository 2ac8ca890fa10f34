package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sftpgo/actions"
)

// tusFlags are the options of Rustus, by its names, and a few of our own.
type tusFlags struct {
	server tusServerFlags
	data   tusDataFlags
	hooks  tusHookFlags
	absent tusAbsentFlags
}

// tusServerFlags are those of the server and the protocol.
type tusServerFlags struct {
	host           string
	port           int
	workers        int
	url            string
	cors           listFlag
	maxBodySize    int64 // bytes of one request; 0: no limit
	maxFileSize    int64 // bytes; 0: no limit
	extensions     listFlag
	ietfDrafts     listFlag
	allowEmpty     boolFlag
	removeParts    boolFlag
	quietHealth    boolFlag
	logLevel       string
	behindProxy    boolFlag
	trustedProxies listFlag
	externalURL    string
	expireAfter    time.Duration
	graceTime      time.Duration
}

// tusDataFlags say where uploads and what is known of them are.
type tusDataFlags struct {
	storage       string
	dataDir       string
	dirStructure  string
	forceFsync    boolFlag
	infoStorage   string
	infoDir       string
	infoDSN       string
	redisLifetime int64 // seconds; 0: no limit
}

// tusHookFlags say who is told of uploads.
type tusHookFlags struct {
	events       listFlag
	format       string
	file         string
	dir          string
	dirMissing   string
	urls         listFlag
	proxyHeaders listFlag
	httpTimeout  int // seconds
	timeout      int // seconds, of programs

	amqpURL             string
	amqp                actions.HookAMQP
	amqpDeclareExchange boolFlag
	amqpDurableExchange boolFlag
	amqpDeclareQueues   boolFlag
	amqpDurableQueues   boolFlag
	amqpAutoDelete      boolFlag
	amqpCelery          boolFlag

	natsURLs    listFlag
	nats        actions.HookNATS
	natsReplies boolFlag
}

// tusExtensions are the words of --tus-extensions, in the order of Rustus' manual.
func tusExtensions() []string {
	return []string{
		"getting", "creation", "termination", "creation-with-upload", "creation-defer-length", "concatenation",
		"checksum", "checksum-trailer", "expiration",
	}
}

// tusEvents are the words of --hooks.
func tusEvents() []string {
	return []string{"pre-create", "post-create", "post-receive", "pre-terminate", "post-terminate", "post-finish"}
}

// register adds the flags and binds each to its variable.
func (f *tusFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	// Rustus 1 has --hooks_amqp_durable_exchange, the contract has hyphens.
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
	})
	f.server.register(flags)
	f.data.register(flags)
	f.hooks.register(flags)
	f.absent.register(flags)
}

func (f *tusServerFlags) register(flags *pflag.FlagSet) {
	f.extensions = listFlag{values: tusExtensions()}
	f.allowEmpty = true
	flags.StringVar(&f.host, "host", "0.0.0.0", "address to listen on")
	flags.IntVar(&f.port, "port", 1081, "port to listen on; 0 takes one that is free")
	flags.IntVarP(&f.workers, "workers", "w", 0, "processors to use at a time; 0 is all")
	flags.StringVar(&f.url, "url", "/files", "path below which uploads are")
	flags.Var(&f.cors, "cors", "origins of pages that may upload, with * for any text; empty is all")
	flags.Int64VarP(&f.maxBodySize, "max-body-size", "m", 0, "most bytes of one request; 0 is no limit")
	flags.Int64Var(&f.maxFileSize, "max-file-size", 0, "most bytes of an upload; 0 is no limit")
	flags.Var(&f.extensions, "tus-extensions", "extensions of the protocol that are offered")
	flags.Var(&f.ietfDrafts, "ietf-drafts", "interop versions of resumable uploads of the IETF that are served, too: 6, 8")
	addBool(flags, &f.allowEmpty, "allow-empty", "take uploads of no bytes")
	addBool(flags, &f.removeParts, "remove-parts", "delete the parts of a concatenation that has succeeded")
	addBool(flags, &f.quietHealth, "disable-health-access-log", "do not log requests for /health")
	flags.StringVar(&f.logLevel, "log-level", "INFO", "OFF, ERROR, WARN, INFO, DEBUG or TRACE")
	addBool(flags, &f.behindProxy, "behind-proxy", "believe Forwarded and X-Forwarded-For about the address of clients")
	flags.Var(&f.trustedProxies, "trusted-proxies", "addresses and networks of proxies that are believed, with --behind-proxy; empty is anybody")
	flags.StringVar(&f.externalURL, "external-url", "", "scheme and host under which clients reach the server, as https://up.example.com; empty is as the request says")
	flags.DurationVar(&f.expireAfter, "expire-after", 0, "remove uploads that are not complete and have got nothing for so long; 0 is never")
	flags.DurationVar(&f.graceTime, "grace-time", 30*time.Second, "how long running requests may go on after SIGTERM")
	bindVariables(flags, map[string]string{
		"host": "RUSTUS_SERVER_HOST", "port": "RUSTUS_SERVER_PORT", "workers": "RUSTUS_WORKERS", "url": "RUSTUS_URL",
		"cors": "RUSTUS_CORS", "max-body-size": "RUSTUS_MAX_BODY_SIZE", "max-file-size": "RUSTUS_MAX_FILE_SIZE",
		"tus-extensions": "RUSTUS_TUS_EXTENSIONS", "ietf-drafts": "RUSTUS_IETF_DRAFTS", "allow-empty": "RUSTUS_ALLOW_EMPTY", "remove-parts": "RUSTUS_REMOVE_PARTS",
		"disable-health-access-log": "RUSTUS_DISABLE_HEALTH_ACCESS_LOG", "log-level": "RUSTUS_LOG_LEVEL",
		"behind-proxy": "RUSTUS_BEHIND_PROXY", "trusted-proxies": "RUSTUS_TRUSTED_PROXIES", "external-url": "RUSTUS_EXTERNAL_URL",
		"expire-after": "RUSTUS_EXPIRE_AFTER", "grace-time": "RUSTUS_GRACE_TIME",
	})
}

func (f *tusDataFlags) register(flags *pflag.FlagSet) {
	flags.StringVarP(&f.storage, "storage", "s", "file-storage", "where uploads are: file-storage")
	flags.StringVar(&f.dataDir, "data-dir", "./data", "directory of uploads")
	flags.StringVar(&f.dirStructure, "dir-structure", "", "directories below it, with {year}, {month}, {day}, {hour} and {minute} of the creation in UTC")
	addBool(flags, &f.forceFsync, "force-fsync", "write each request to the disk before it is answered")
	flags.StringVarP(&f.infoStorage, "info-storage", "i", "file-info-storage", "what keeps the state of uploads: file-info-storage or redis-info-storage")
	flags.StringVar(&f.infoDir, "info-dir", "./data", "directory of the files <id>.info, and of events that wait for delivery")
	flags.StringVar(&f.infoDSN, "info-db-dsn", "", "URL of Redis")
	flags.Int64Var(&f.redisLifetime, "redis-info-expiration", 0, "seconds after the last change until Redis forgets an upload; 0 is never")
	bindVariables(flags, map[string]string{
		"storage": "RUSTUS_STORAGE", "data-dir": "RUSTUS_DATA_DIR", "dir-structure": "RUSTUS_DIR_STRUCTURE",
		"force-fsync": "RUSTUS_FORCE_FSYNC", "info-storage": "RUSTUS_INFO_STORAGE", "info-dir": "RUSTUS_INFO_DIR",
		"info-db-dsn": "RUSTUS_INFO_DB_DSN", "redis-info-expiration": "RUSTUS_REDIS_INFO_EXPIRATION",
	})
}

func (f *tusHookFlags) register(flags *pflag.FlagSet) {
	f.events = listFlag{values: tusEvents()}
	flags.Var(&f.events, "hooks", "events that are told")
	flags.StringVar(&f.format, "hooks-format", "default", "form of events: default, v2 or tusd")
	flags.StringVar(&f.file, "hooks-file", "", "program to run; its arguments are the event and JSON")
	flags.StringVar(&f.dir, "hooks-dir", "", "directory of programs with the names of events; the argument is JSON")
	flags.StringVar(&f.dirMissing, "hooks-dir-missing", "error", "what it means that the directory has no program for an event: error or ignore")
	flags.IntVar(&f.timeout, "hooks-timeout", 30, "seconds that a program may run")
	flags.Var(&f.urls, "hooks-http-urls", "URLs to post events to")
	flags.Var(&f.proxyHeaders, "hooks-http-proxy-headers", "headers of clients that these requests get, too")
	flags.IntVar(&f.httpTimeout, "http-hook-timeout", 2, "seconds that such a request may take")
	bindVariables(flags, map[string]string{
		"hooks": "RUSTUS_HOOKS", "hooks-format": "RUSTUS_HOOKS_FORMAT", "hooks-file": "RUSTUS_HOOKS_FILE", "hooks-dir": "RUSTUS_HOOKS_DIR",
		"hooks-dir-missing": "RUSTUS_HOOKS_DIR_MISSING", "hooks-timeout": "RUSTUS_HOOKS_TIMEOUT",
		"hooks-http-urls": "RUSTUS_HOOKS_HTTP_URLS", "hooks-http-proxy-headers": "RUSTUS_HOOKS_HTTP_PROXY_HEADERS",
		"http-hook-timeout": "RUSTUS_HTTP_HOOK_TIMEOUT",
	})
	f.registerAMQP(flags)
	f.registerNATS(flags)
}

func (f *tusHookFlags) registerAMQP(flags *pflag.FlagSet) {
	flags.StringVar(&f.amqpURL, "hooks-amqp-url", "", "RabbitMQ, as amqp://user:password@host:5672")
	flags.StringVar(&f.amqp.QueuesPrefix, "hooks-amqp-queues-prefix", "rustus", "first part of routing keys and names of queues")
	flags.StringVar(&f.amqp.Exchange, "hooks-amqp-exchange", "rustus", "exchange to publish to")
	flags.StringVar(&f.amqp.ExchangeKind, "hooks-amqp-exchange-kind", "topic", "kind of the exchange")
	flags.StringVar(&f.amqp.RoutingKey, "hooks-amqp-routing-key", "", "the only routing key, and name of the only queue")
	addBool(flags, &f.amqpDeclareExchange, "hooks-amqp-declare-exchange", "make the exchange")
	addBool(flags, &f.amqpDurableExchange, "hooks-amqp-durable-exchange", "let the exchange survive a restart of RabbitMQ")
	addBool(flags, &f.amqpDeclareQueues, "hooks-amqp-declare-queues", "make the queues and bind them to the exchange")
	addBool(flags, &f.amqpDurableQueues, "hooks-amqp-durable-queues", "let the queues survive a restart of RabbitMQ")
	addBool(flags, &f.amqpAutoDelete, "hooks-amqp-auto-delete", "have RabbitMQ remove what nobody uses any more")
	addBool(flags, &f.amqpCelery, "hooks-amqp-celery", "send tasks for Celery")
	flags.IntVar(&f.amqp.ConnectionPoolSize, "hooks-amqp-connection-pool-size", 10, "most connections to RabbitMQ")
	flags.IntVar(&f.amqp.ChannelPoolSize, "hooks-amqp-channel-pool-size", 10, "most channels of each connection")
	flags.IntVar(&f.amqp.IdleConnectionTimeout, "hooks-amqp-idle-connection-timeout", 0, "seconds after which an unused connection ends; 0 is never")
	flags.IntVar(&f.amqp.IdleChannelsTimeout, "hooks-amqp-idle-channels-timeout", 0, "seconds after which an unused channel ends; 0 is never")
	bindVariables(flags, map[string]string{
		"hooks-amqp-url": "RUSTUS_HOOKS_AMQP_URL", "hooks-amqp-queues-prefix": "RUSTUS_HOOKS_AMQP_QUEUES_PREFIX",
		"hooks-amqp-exchange": "RUSTUS_HOOKS_AMQP_EXCHANGE", "hooks-amqp-exchange-kind": "RUSTUS_HOOKS_AMQP_EXCHANGE_KIND",
		"hooks-amqp-routing-key":          "RUSTUS_HOOKS_AMQP_ROUTING_KEY",
		"hooks-amqp-declare-exchange":     "RUSTUS_HOOKS_AMQP_DECLARE_EXCHANGE",
		"hooks-amqp-durable-exchange":     "RUSTUS_HOOKS_AMQP_DURABLE_EXCHANGE",
		"hooks-amqp-declare-queues":       "RUSTUS_HOOKS_AMQP_DECLARE_QUEUES",
		"hooks-amqp-durable-queues":       "RUSTUS_HOOKS_AMQP_DURABLE_QUEUES",
		"hooks-amqp-auto-delete":          "RUSTUS_HOOKS_AMQP_AUTO_DELETE",
		"hooks-amqp-celery":               "RUSTUS_HOOKS_AMQP_CELERY",
		"hooks-amqp-connection-pool-size": "RUSTUS_HOOKS_AMQP_CONNECTION_POOL_SIZE",
		"hooks-amqp-channel-pool-size":    "RUSTUS_HOOKS_AMQP_CHANNEL_POOL_SIZE",

		"hooks-amqp-idle-connection-timeout": "RUSTUS_HOOKS_AMQP_IDLE_CONNECTION_TIMEOUT",
		"hooks-amqp-idle-channels-timeout":   "RUSTUS_HOOKS_AMQP_IDLE_CHANNELS_TIMEOUT",
	})
}

func (f *tusHookFlags) registerNATS(flags *pflag.FlagSet) {
	flags.Var(&f.natsURLs, "hooks-nats-urls", "servers of NATS, as nats://host:4222")
	flags.StringVar(&f.nats.Subject, "hooks-nats-subject", "", "the only subject")
	flags.StringVar(&f.nats.Prefix, "hooks-nats-prefix", "", "first part of subjects; the event follows")
	addBool(flags, &f.natsReplies, "hooks-nats-wait-for-replies", "wait for answers, which must be empty or OK")
	flags.StringVar(&f.nats.User, "hooks-nats-user", "", "user of NATS")
	flags.StringVar(&f.nats.Password, "hooks-nats-password", "", "password of that user")
	flags.StringVar(&f.nats.Token, "hooks-nats-token", "", "token for NATS, instead of a user")
	bindVariables(flags, map[string]string{
		"hooks-nats-urls": "RUSTUS_HOOKS_NATS_URLS", "hooks-nats-subject": "RUSTUS_HOOKS_NATS_SUBJECT",
		"hooks-nats-prefix": "RUSTUS_HOOKS_NATS_PREFIX", "hooks-nats-wait-for-replies": "RUSTUS_HOOKS_NATS_WAIT_FOR_REPLIES",
		"hooks-nats-user": "RUSTUS_HOOKS_NATS_USER", "hooks-nats-password": "RUSTUS_HOOKS_NATS_PASSWORD",
		"hooks-nats-token": "RUSTUS_HOOKS_NATS_TOKEN",
	})
}

func bindVariables(flags *pflag.FlagSet, variables map[string]string) {
	for flag, variable := range variables {
		bindEnvironment(flags, flag, variable)
	}
}
