package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/password"
)

// passwordFlags are the ways to give a password.
type passwordFlags struct {
	stdin    bool
	generate bool
}

func (p *passwordFlags) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&p.stdin, "password-stdin", false, "read the password, or a hash of it, from the first line of standard input")
	cmd.Flags().BoolVar(&p.generate, "generate-password", false, "make a password and print it once")
	cmd.MarkFlagsMutuallyExclusive("password-stdin", "generate-password")
}

var errNoPasswordGiven = errors.New("no password")

// fill sets the password of a new account, which may do without one if it has
// keys. It returns a generated password, to be shown.
func (p *passwordFlags) fill(cmd *cobra.Command, h *password.Hasher, u *dataprovider.User) (generated string, err error) {
	if (u.Password != "" || len(u.PublicKeys) > 0) && !p.stdin && !p.generate {
		return "", nil
	}
	generated, err = p.set(cmd, h, u)
	if errors.Is(err, errNoPasswordGiven) {
		return "", fmt.Errorf("%w: use --password-stdin, --generate-password or --public-key, or run it on a terminal to be asked", err)
	}
	return generated, err
}

// set takes the password from where the flags say, or asks on a terminal.
func (p *passwordFlags) set(cmd *cobra.Command, h *password.Hasher, u *dataprovider.User) (generated string, err error) {
	switch {
	case p.generate:
		if generated, err = generatePassword(); err != nil {
			return "", err
		}
		u.Password = generated
	case p.stdin:
		if flag := cmd.Flags().Lookup("from-json"); flag != nil && flag.Value.String() == "-" {
			return "", errors.New("standard input cannot be both the record and the password")
		}
		u.Password, err = readPassword(cmd.InOrStdin())
	default:
		var typed string
		if typed, err = promptPassword(cmd, u.Username); err == nil {
			// What a person types is the password itself, even if it looks like a hash.
			u.Password, err = h.Hash(cmd.Context(), typed)
		}
	}
	return generated, err
}

// readPassword returns the first line.
func readPassword(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 4*password.MaxLength)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("the password on standard input is empty")
	}
	return line, nil
}

// promptPassword asks twice, without echo.
func promptPassword(cmd *cobra.Command, username string) (string, error) {
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", errNoPasswordGiven
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(cmd.ErrOrStderr(), prompt)
		typed, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		if err != nil {
			return "", fmt.Errorf("read password: %w", err)
		}
		return string(typed), nil
	}
	first, err := ask(fmt.Sprintf("Password of %s: ", username))
	if err != nil {
		return "", err
	}
	second, err := ask("Again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ")
	}
	return first, nil
}

const (
	generatedLength   = 20 // of 62 characters: 119 bits
	generatedAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

func generatePassword() (string, error) {
	out := make([]byte, generatedLength)
	for i := range out {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(generatedAlphabet))))
		if err != nil {
			return "", fmt.Errorf("generate password: %w", err)
		}
		out[i] = generatedAlphabet[n.Int64()]
	}
	return string(out), nil
}

func printGenerated(w io.Writer, generated string) {
	if generated != "" {
		fmt.Fprintf(w, "password: %s\n", generated)
	}
}
