package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// RefusalError is an error that the gate answers a question with.
type RefusalError struct {
	// Status is one of HTTP, from 400 on.
	Status int
	// Text says to whoever asked what is wrong.
	Text string
}

// Error gives the text.
func (r *RefusalError) Error() string { return r.Text }

// failure is the body of an answer that is none.
type failure struct {
	Error string `json:"error"`
}

// Operation makes a func one that can be asked for. What it takes is decoded strictly. An error that is a [*RefusalError] is
// answered with its status, and any other one with 500; both with their text, as whoever may ask may see it.
func Operation[In, Out any](do func(context.Context, In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := decode(http.MaxBytesReader(w, r.Body, maxBody), &in); err != nil {
			answer(w, http.StatusBadRequest, failure{fmt.Sprintf("the question cannot be read: %v", err)})
			return
		}
		out, err := do(r.Context(), in)
		if refusal, ok := errors.AsType[*RefusalError](err); ok {
			answer(w, refusal.Status, failure{refusal.Text})
			return
		}
		if err != nil {
			answer(w, http.StatusInternalServerError, failure{err.Error()})
			return
		}
		answer(w, http.StatusOK, out)
	})
}

// decode reads exactly one JSON value without unknown fields.
func decode(r io.Reader, v any) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

// answer writes a status and a JSON body.
func answer(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // whoever asked may have gone
}
