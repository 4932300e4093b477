package integration_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
)

// TestForget: an account whose budget is empty gets in at once after wharfgate forget, by the gate that runs; without one
// the command says so.
func TestForget(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d, gate.WithoutAddressLimit)
	settle(t, d, g)
	ask := func(password string) int {
		t.Helper()
		a, err := g.Asker(serviceV3).Ask(t.Context(), "nora", password)
		if err != nil {
			t.Fatal(err)
		}
		return a.Status
	}
	for i := range 4 {
		ask("junk " + strconv.Itoa(i))
	}
	if status := ask(d.Password); status != http.StatusTooManyRequests {
		t.Fatalf("after four wrong passwords: %d, want 429", status)
	}
	said := g.Run(t, "", "forget --json", "NORA")
	var result struct {
		Directory, Name, ID string
		FailedBinds         int `json:"failed_binds"`
	}
	if err := json.Unmarshal([]byte(said.Out), &result); err != nil || said.Code != 0 || result.Name != "nora" || result.FailedBinds != 3 {
		t.Fatalf("forget = %d, %+v, %v, want nora and 3 failed binds:\n%s", said.Code, result, err, said.Err)
	}
	if status := ask(d.Password); status != http.StatusOK {
		t.Errorf("after forget: %d, want 200", status)
	}
	if said := g.Run(t, "", "forget", "id:"+result.ID); said.Code != 0 || !strings.Contains(said.Out, "forgot 0 wrong passwords, 0 failed binds, the password that was right") {
		t.Errorf("forget by id = %d %s%s", said.Code, said.Out, said.Err)
	}
	if said := g.Run(t, "", "forget", "nora@corp"); said.Code != 0 || !strings.HasPrefix(said.Out, "nora of corp: forgot ") {
		t.Errorf("forget the name as the policy writes it = %d %s%s", said.Code, said.Out, said.Err)
	}
	if said := g.Run(t, "", "forget", "nobody"); said.Code != 1 || !strings.Contains(said.Err, "no account of this name") {
		t.Errorf("forget nobody = %d %s%s, want 1", said.Code, said.Out, said.Err)
	}
	if said := g.Run(t, "", "forget --directory elsewhere", "nora"); said.Code != 2 && said.Code != 1 {
		t.Errorf("forget in an unknown directory = %d %s%s, want an error", said.Code, said.Out, said.Err)
	}
	if err := g.Process.Stop(); err != nil {
		t.Fatal(err)
	}
	if said := g.Run(t, "", "forget", "nora"); said.Code != 1 || !strings.Contains(said.Err, "no gate is running") {
		t.Errorf("forget without a gate = %d %s%s, want 1", said.Code, said.Out, said.Err)
	}
}
