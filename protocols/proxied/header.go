package proxied

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/pires/go-proxyproto"
)

const (
	signature1 = "PROXY "
	signature2 = "\r\n\r\n\x00\r\nQUIT\n"
	// fixed2 is the part of version 2 that tells the length of the rest.
	fixed2 = 16
	// maxHeader1 is the longest line of version 1, says the specification.
	maxHeader1 = 107
	// maxHeader2 leaves room for what load balancers add about themselves and a
	// client certificate.
	maxHeader2 = 4 << 10
)

var (
	errNoHeader  = errors.New("no header of the PROXY protocol")
	errTooLong   = errors.New("a header of the PROXY protocol that is too long")
	errTransport = errors.New("a header of the PROXY protocol that is not about TCP")
)

// addresses are what a header tells; both are nil if the proxy speaks for itself.
type addresses struct{ client, server *net.TCPAddr }

// readHeader reads exactly a header and nothing of what follows. With
// errNoHeader, head is what was read instead, for others to read again.
func readHeader(r io.Reader) (a addresses, head []byte, err error) {
	head, err = readSignature(r)
	if err != nil {
		return addresses{}, head, err
	}
	if head[0] == signature1[0] {
		head, err = readVersion1(r, head)
	} else {
		head, err = readVersion2(r, head)
	}
	if err != nil {
		return addresses{}, nil, err
	}
	a, err = parse(head)
	return a, nil, err
}

// readSignature reads as long as it may become a header. Every header is longer
// than the signature of version 2.
func readSignature(r io.Reader) ([]byte, error) {
	head := make([]byte, 0, maxHeader1)
	for len(head) < len(signature2) {
		n, err := r.Read(head[len(head):len(signature2)])
		head = head[:len(head)+n]
		if !mayBe(head, signature1) && !mayBe(head, signature2) {
			return head, errNoHeader
		}
		if err != nil {
			return head, err
		}
	}
	return head, nil
}

func mayBe(head []byte, signature string) bool {
	n := min(len(head), len(signature))
	return string(head[:n]) == signature[:n]
}

// readVersion1 reads the rest of the line byte by byte: what follows is not ours.
func readVersion1(r io.Reader, head []byte) ([]byte, error) {
	for !bytes.HasSuffix(head, []byte("\r\n")) {
		if len(head) == maxHeader1 {
			return nil, errTooLong
		}
		head = append(head, 0)
		if _, err := io.ReadFull(r, head[len(head)-1:]); err != nil {
			return nil, err
		}
	}
	return head, nil
}

func readVersion2(r io.Reader, head []byte) ([]byte, error) {
	head, err := readOn(r, head, fixed2)
	if err != nil {
		return nil, err
	}
	length := fixed2 + int(binary.BigEndian.Uint16(head[fixed2-2:]))
	if length > maxHeader2 {
		return nil, errTooLong
	}
	return readOn(r, head, length)
}

// readOn reads until head has that length.
func readOn(r io.Reader, head []byte, length int) ([]byte, error) {
	have := len(head)
	head = append(head, make([]byte, length-have)...)
	_, err := io.ReadFull(r, head[have:])
	return head, err
}

func parse(header []byte) (addresses, error) {
	h, err := proxyproto.Read(bufio.NewReaderSize(bytes.NewReader(header), len(header)))
	if err != nil {
		return addresses{}, fmt.Errorf("a malformed header of the PROXY protocol: %w", err)
	}
	if h.Command.IsLocal() || h.TransportProtocol.IsUnspec() {
		return addresses{}, nil // a check of the proxy itself
	}
	client, server, ok := h.TCPAddrs()
	if !ok {
		return addresses{}, errTransport
	}
	return addresses{client: client, server: server}, nil
}
