package actions_test

import (
	"strings"
	"testing"

	"sftpgo/actions"
)

func TestBrokerFaults(t *testing.T) {
	good := []actions.Hook{
		{Name: "a", Target: "amqp://guest:guest@localhost:5672"},
		{Name: "b", Target: "amqps://u:p%2Fw@broker/vhost", Format: "cloudevents", AMQP: actions.HookAMQP{Exchange: "x", RoutingKey: "k", Celery: true}, TLS: actions.HookTLS{SkipVerify: true}},
		{Name: "c", Target: "nats://localhost", NATS: actions.HookNATS{URLs: []string{"nats://b:4222"}, Prefix: "a.b", User: "u", Password: "p"}},
		{Name: "d", Target: "tls://localhost", NATS: actions.HookNATS{Subject: "files", Core: true, WaitForReplies: true}},
	}
	if err := actions.ValidateHooks(good); err != nil {
		t.Error(err)
	}
	const secret = "se/cret"
	for _, tt := range []struct {
		hook actions.Hook
		want string
	}{
		{actions.Hook{Target: "amqp://u:" + secret + "@host"}, `0.target: "amqp://host" is not a URL`},
		{actions.Hook{Target: "amqp://"}, "0.target: \"amqp://\" has no host"},
		{actions.Hook{Target: "/bin/true", AMQP: actions.HookAMQP{Celery: true}}, "0.amqp: it is for targets that begin with amqp://"},
		{actions.Hook{Target: "amqp://h", NATS: actions.HookNATS{Core: true}}, "0.nats: it is for targets that begin with nats://"},
		{actions.Hook{Target: "amqp://h", TLS: actions.HookTLS{SkipVerify: true}}, "0.tls: it is for brokers, with targets that begin with amqps://"},
		{actions.Hook{Target: "amqps://h", TLS: actions.HookTLS{CertificateFile: "a"}}, "0.tls: certificate_file and certificate_key_file are both needed"},
		{actions.Hook{Target: "amqps://h?cacertfile=a", TLS: actions.HookTLS{SkipVerify: true}}, "0.tls: the target names files of certificates, too"},
		{actions.Hook{Target: "amqp://h", AMQP: actions.HookAMQP{RoutingKey: strings.Repeat("k", 256)}}, "0.amqp.routing_key: more than 255 bytes"},
		{actions.Hook{Target: "amqp://h", AMQP: actions.HookAMQP{ChannelPoolSize: -1}}, "0.amqp.channel_pool_size: -1 is not between 0 and 2000"},
		{actions.Hook{Target: "amqp://h", Environment: "clean"}, "0.environment: a URL has none"},
		{actions.Hook{Target: "amqp://h", Secrets: []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}, "0.secrets: they sign requests to an http or https URL"},
		{actions.Hook{Target: "nats://h", NATS: actions.HookNATS{URLs: []string{"http://x"}}}, `0.nats.urls.0: "http://x" does not begin with nats://`},
		{actions.Hook{Target: "nats://h", NATS: actions.HookNATS{Subject: "a", Prefix: "b"}}, "0.nats.subject: it leaves no place for prefix"},
		{actions.Hook{Target: "nats://h", NATS: actions.HookNATS{Subject: "a.>"}}, `0.nats.subject: "a.>" is not of parts`},
		{actions.Hook{Target: "nats://h", NATS: actions.HookNATS{User: "u"}}, "0.nats.user: user and password are both needed"},
		{actions.Hook{Target: "nats://h", NATS: actions.HookNATS{User: "u", Password: secret, Token: secret}}, "0.nats.token: it is instead of user and password"},
	} {
		tt.hook.Name = "h"
		err := actions.ValidateHooks([]actions.Hook{tt.hook})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", actions.RedactURL(tt.hook.Target), err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "cret") && !strings.Contains(err.Error(), "0.secrets") {
			t.Errorf("the error has the secret in it: %v", err)
		}
	}
}
