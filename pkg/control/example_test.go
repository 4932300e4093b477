package control_test

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/wharfgate/wharfgate/pkg/control"
)

func ExampleClient() {
	dir, err := os.MkdirTemp("", "wg")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	type in struct{ Name string }
	type out struct{ Greeting string }
	s, err := control.New(control.Options{Path: control.Path(dir), Operations: map[string]http.Handler{
		"greet": control.Operation(func(_ context.Context, i in) (out, error) { return out{"hello " + i.Name}, nil }),
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if err := s.Listen(ctx); err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error)
	go func() { served <- s.Serve(ctx) }()
	var o out
	err = control.Client{Path: control.Path(dir)}.Call(ctx, "greet", in{"world"}, &o)
	stop()
	fmt.Println(o.Greeting, err, <-served)
	// Output: hello world <nil> <nil>
}
