package kindstest_test

import (
	"encoding/base64"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/ds389"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
)

// TestLDAP62_389PasswordsAreNowhere: at every level of the log, and on the metrics page, stands no password: not a right
// one, a wrong one, a stranger's, nor one that was typed in place of the name.
func TestLDAP62_389PasswordsAreNowhere(t *testing.T) {
	t.Parallel()
	d := ds389.Shared(t)
	const wrong, strangers, asName = "zaphod-beeblebrox-1979", "slartibartfast-1979", "Ford.Prefect.1979"
	secrets := []string{d.Password, wrong, strangers, asName}
	for _, s := range []string{"alice:" + d.Password, "alice:" + wrong, "nobody:" + strangers} {
		secrets = append(secrets, base64.StdEncoding.EncodeToString([]byte(s)))
	}
	for _, level := range []string{"debug", "info", "warn", "error"} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			g := gate.Start(t, d, policy, func(s gate.Settings) { s["log"] = gate.Settings{"format": "json", "level": level} })
			mustGrant(t, g, "alice", d.Password)
			for user, password := range map[string]string{"alice": wrong, "nobody": strangers, asName: wrong} {
				for range 3 {
					answer, err := g.Asker(gate.Service).Ask(t.Context(), user, password)
					if err != nil || answer.Status != http.StatusUnauthorized {
						t.Errorf("a wrong password = %d, %v, want 401", answer.Status, err)
					}
				}
			}
			metrics := g.Metrics(t)
			if err := g.Process.Stop(); err != nil {
				t.Error(err)
			}
			records, err := os.ReadFile(g.AuditFile)
			if err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{
				"log": g.Process.Err.String(), "standard output": g.Process.Out.String(), "audit record": string(records), "metrics page": metrics,
			} {
				for _, secret := range secrets {
					if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
						t.Errorf("%s holds the secret %.12s...", name, secret)
					}
				}
			}
			if !strings.Contains(metrics, `wharfgate_logins_total{`) || (level == "debug" || level == "info") && !strings.Contains(g.Process.Err.String(), `"msg":"request"`) {
				t.Error("nothing was written: the test shows nothing")
			}
		})
	}
}
