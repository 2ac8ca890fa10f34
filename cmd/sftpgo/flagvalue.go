package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// listFlag is a list with commas. Blanks belong to its elements, as in Rustus. Given
// again it goes on; the first time it replaces what is there.
type listFlag struct {
	values []string
	given  bool
}

var _ pflag.Value = (*listFlag)(nil)

// Set implements pflag.Value.
func (l *listFlag) Set(text string) error {
	if !l.given {
		l.values, l.given = nil, true
	}
	if text != "" {
		l.values = append(l.values, strings.Split(text, ",")...)
	}
	return nil
}

// String implements pflag.Value.
func (l *listFlag) String() string { return strings.Join(l.values, ",") }

// Type implements pflag.Value.
func (l *listFlag) Type() string { return "list" }

// boolFlag takes true and false and no other word.
type boolFlag bool

var _ pflag.Value = (*boolFlag)(nil)

// Set implements pflag.Value.
func (b *boolFlag) Set(text string) error {
	switch text {
	case "true":
		*b = true
	case "false":
		*b = false
	default:
		return errors.New("it is true or false")
	}
	return nil
}

// String implements pflag.Value.
func (b *boolFlag) String() string { return strconv.FormatBool(bool(*b)) }

// Type implements pflag.Value.
func (b *boolFlag) Type() string { return "bool" }

// addBool adds a flag that needs no value.
func addBool(flags *pflag.FlagSet, b *boolFlag, name, usage string) {
	flags.Var(b, name, usage)
	flags.Lookup(name).NoOptDefVal = "true"
}
