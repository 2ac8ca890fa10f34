// Package brokertest runs real brokers for tests, on private ports of the loopback
// interface and with data of their own.
package brokertest
