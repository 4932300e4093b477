package operator_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/wharfgate/wharfgate/pkg/operator"
)

func ExampleNew() {
	h, err := operator.New(operator.Options{Checks: []operator.Check{
		{Name: "keys", Probe: func(context.Context) error { return nil }},
		{Name: "directory/corp", Weight: operator.Informational, Probe: func(context.Context) error {
			return errors.New("no server answers")
		}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz?verbose", nil))
	fmt.Print(w.Code, "\n", w.Body)
	// Output:
	// 200
	// keys ok
	// directory/corp degraded: no server answers
	// ready
}
