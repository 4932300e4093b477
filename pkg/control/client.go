package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"syscall"
)

// ErrNotRunning means that no gate answers at the socket.
var ErrNotRunning = errors.New("no gate is running with this state_dir")

// Client asks the gate at a socket. It is safe for concurrent use; the zero Client asks nobody.
type Client struct {
	// Path is where the socket is; see [Path].
	Path string
}

// Call asks for an operation. Errors are [ErrNotRunning], a [*RefusalError], or say why there was no answer.
func (c Client) Call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("ask for %s: %w", operation, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control"+prefix+operation, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask for %s: %w", operation, err)
	}
	r.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{DisableKeepAlives: true, DialContext: c.dial}
	response, err := transport.RoundTrip(r)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s: %w", c.Path, ErrNotRunning)
	}
	if err != nil {
		return fmt.Errorf("ask for %s: %w", operation, err)
	}
	defer func() { _ = response.Body.Close() }()
	return read(response, out)
}

// dial opens the socket, whatever the address.
func (c Client) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", c.Path)
}

// read reads an answer.
func read(response *http.Response, out any) error {
	body := io.LimitReader(response.Body, maxBody)
	if response.StatusCode == http.StatusOK {
		if err := json.NewDecoder(body).Decode(out); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		return nil
	}
	var f failure
	if err := json.NewDecoder(body).Decode(&f); err != nil || f.Error == "" {
		f.Error = "the gate answers " + response.Status
	}
	return &RefusalError{Status: response.StatusCode, Text: f.Error}
}
