package server_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/wharfgate/wharfgate/pkg/server"
)

func ExampleNew() {
	s, err := server.New(server.Options{
		Granter:  &granter{grant: grantAll},
		Logger:   slog.New(slog.DiscardHandler),
		Services: []string{"registry.example"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/token?service=registry.example", nil)
	r.SetBasicAuth("alice", "wrong")
	s.ServeHTTP(w, r)
	fmt.Print(w.Code, " ", w.Body)
	// Output: 401 {"errors":[{"code":"UNAUTHORIZED","message":"wrong or missing user name or password"}],"details":"wrong or missing user name or password"}
}
