package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"sftpgo/actions"
	"sftpgo/actions/amqpsink"
	"sftpgo/actions/natssink"
	"sftpgo/actions/outbox"
)

// openBroker makes the receiver of an entry whose target is a broker.
func openBroker(h actions.Hook, f actions.Format, log *slog.Logger) (outbox.Receiver, error) {
	trust, err := brokerTLS(h.TLS)
	if err != nil {
		return nil, err
	}
	log = log.With("hook", h.Name)
	if h.IsNATS() {
		return natssink.New(natssink.Config{
			URL: h.Target, Settings: h.NATS, Name: h.Name, Timeout: h.Limit(), TLS: trust,
		}, f, log)
	}
	return amqpsink.New(amqpsink.Config{
		URL: h.Target, Settings: h.AMQP, Events: queueNames(h, f), Timeout: h.Limit(), TLS: trust,
	}, f, log)
}

// queueNames are the events that get a queue where queues are declared: those of the
// contract, and what the entry may be told of besides.
func queueNames(h actions.Hook, f actions.Format) []string {
	var names []string
	if h.IsUploadHook() {
		names = amqpsink.UploadHooks()
	}
	for _, k := range h.Kinds() {
		e := &actions.Event{Kind: k, Result: actions.Result{Status: actions.StatusOK, Size: 1}}
		call, err := f.Render(e)
		if err != nil {
			continue // of a kind without a name nothing is sent
		}
		if name := amqpsink.Word(call); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// brokerTLS is nil where nothing is set.
func brokerTLS(cfg actions.HookTLS) (*tls.Config, error) {
	if len(cfg.CACertificates) == 0 && cfg.CertificateFile == "" && !cfg.SkipVerify {
		return nil, nil
	}
	var errs []error
	t := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: cfg.SkipVerify} // the operator asked for it
	if len(cfg.CACertificates) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool() // a container without a trust store
		}
		for i, name := range cfg.CACertificates {
			pem, err := os.ReadFile(name)
			if err == nil && !pool.AppendCertsFromPEM(pem) {
				err = fmt.Errorf("%s has no PEM certificate", name)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("tls.ca_certificates.%d: %w", i, err))
			}
		}
		t.RootCAs = pool
	}
	if cfg.CertificateFile != "" {
		pair, err := tls.LoadX509KeyPair(cfg.CertificateFile, cfg.CertificateKeyFile)
		if err != nil {
			errs = append(errs, fmt.Errorf("tls.certificate_file: %w", err))
		}
		t.Certificates = append(t.Certificates, pair)
	}
	return t, errors.Join(errs...)
}
