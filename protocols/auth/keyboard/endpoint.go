package keyboard

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"sftpgo/protocols/auth"
)

// Endpoint lets a URL ask. Each round is one POST, tried once.
type Endpoint struct {
	client *http.Client
	url    string
}

var _ auth.Interviewer = (*Endpoint)(nil)

// NewEndpoint returns an interviewer that posts to an absolute http or https URL
// with client, whose timeout holds for each round.
func NewEndpoint(client *http.Client, address string) (*Endpoint, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("not an absolute http or https URL")
	}
	return &Endpoint{client: client, url: address}, nil
}

// Interview implements auth.Interviewer.
func (e *Endpoint) Interview(ctx context.Context, c auth.Candidate, ask auth.Dialogue) error {
	return converse(ctx, &rounds{e: e, candidate: c, id: requestID()}, c, ask)
}

// rounds are the requests of one dialogue.
type rounds struct {
	e         *Endpoint
	candidate auth.Candidate
	id        string
}

// request is one round, with the names and the order of the hook contract.
type request struct {
	RequestID string   `json:"request_id"`
	Username  string   `json:"username,omitempty"`
	IP        string   `json:"ip,omitempty"`
	Password  string   `json:"password,omitempty"` // the stored hash
	Answers   []string `json:"answers,omitempty"`
	Questions []string `json:"questions,omitempty"`
}

func (r *rounds) next(ctx context.Context, asked, answers []string) (message, error) {
	body, err := json.Marshal(request{
		RequestID: r.id, Username: r.candidate.User, IP: address(r.candidate), Password: r.candidate.PasswordHash,
		Answers: answers, Questions: asked,
	})
	if err != nil {
		return message{}, err
	}
	data, err := r.e.post(ctx, body)
	if err != nil {
		return message{}, fmt.Errorf("hook: %w", err)
	}
	return parseMessage(data)
}

func (e *Endpoint) post(ctx context.Context, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage+1))
	if err == nil && len(data) > maxMessage {
		err = fmt.Errorf("an answer of more than %d bytes", maxMessage)
	}
	return data, err
}

// withoutURL takes out the URL, which may have a password or a token in it.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// address is the client's as hooks get it.
func address(c auth.Candidate) string {
	if !c.Remote.IsValid() {
		return ""
	}
	return c.Remote.String()
}

// requestID is the same in all requests of one dialogue and in no other's.
func requestID() string {
	var random [15]byte
	rand.Read(random[:]) // never fails, see crypto/rand
	id := base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(random[:])
	return strings.ToLower(id)[:20]
}
