package policyplan_test

import (
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/policy/policyplan"
)

const recorded = `{"version":1,"time":"2026-01-02T03:04:05Z","request_id":"1","service":"one","grant":"basic","principal":{"kind":"person","directory":"corp","name":"alice","groups":["CN=payments,OU=Groups,DC=corp"]},"client":{"address":"10.0.0.1"},"scopes":[{"type":"repository","name":"payments/api","asked":["pull","push"],"granted":["pull","push"]}],"policy_revision":"x"}
{"version":1,"time":"2026-01-02T03:05:05Z","request_id":"2","service":"one","grant":"basic","principal":{"kind":"person","directory":"corp","name":"alice","groups":["CN=payments,OU=Groups,DC=corp"]},"client":{"address":"10.0.0.1"},"scopes":[{"type":"repository","name":"payments/api","asked":["pull","push"],"granted":["pull","push"]}],"policy_revision":"x"}
{"version":1,"time":"2026-01-02T03:06:05Z","request_id":"3","service":"one","grant":"anonymous","principal":{"kind":"anonymous"},"client":{},"scopes":[{"type":"repository","name":"public/x","asked":["pull"],"granted":[],"reason":"no_rule"},{"type":"registry","name":"catalog","asked":["*"],"granted":[]}],"policy_revision":"x"}
{"version":1,"time":"2026-01-02T03:07:05Z","request_id":"4","service":"one","grant":"basic","principal":{"kind":"person","directory":"corp","name":"bob","groups":["CN=Other Name,OU=Groups,DC=corp"]},"client":{},"scopes":[{"type":"repository","name":"payments/api","asked":["pull"],"granted":["pull"]}],"policy_revision":"x"}
{"version":1,"time":"2026-01-02T03:08:05Z","request_id":"5","service":"one","grant":"basic","principal":{"kind":"anonymous"},"client":{},"scopes":[],"policy_revision":"x","refused":"wrong_password"}
{"version":2,"time":"2026-01-02T03:08:05Z"}
not json
`

func TestReplay(t *testing.T) {
	t.Parallel()
	before := compile(t, can("group:payments", push, "payments/**"))
	after := compile(t, can("group:payments", pull, "payments/**"), can("anyone", pull, "public/**"))
	got, err := policyplan.Replay(before, after, strings.NewReader(recorded))
	if err != nil {
		t.Fatal(err)
	}
	if got.Records != 5 || got.Decisions != 5 || got.Refused != 1 || got.Unknown != 2 || got.Unclear != 1 {
		t.Errorf("counts: %+v", got)
	}
	var lines []string
	for _, c := range got.Changed {
		lines = append(lines, c.Text())
	}
	want := []string{
		"person alice@corp loses push in payments/api on one (p.yaml:10; asked 2 times, last 2026-01-02T03:05:05Z)",
		"a client without a login gains pull in public/x on one (p.yaml:20; asked 2026-01-02T03:06:05Z)",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

func TestReplayOfLongLines(t *testing.T) {
	t.Parallel()
	long := `{"version":1,"x":"` + strings.Repeat("x", 2<<20) + "\"}\n"
	got, err := policyplan.Replay(compile(t), compile(t), strings.NewReader(long+recorded+long))
	if err != nil || got.Unknown != 4 || got.Records != 5 {
		t.Errorf("Replay = %+v, %v", got, err)
	}
}

// FuzzReplay: no record is too odd to be counted.
func FuzzReplay(f *testing.F) {
	before, after := compile(f, can("group:payments", push, "payments/**")), compile(f, can("anyone", pull, "public/**"))
	f.Add(recorded)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := policyplan.Replay(before, after, strings.NewReader(text))
		if err != nil || got.Unclear+len(got.Changed) > got.Decisions {
			t.Errorf("Replay = %+v, %v", got, err)
		}
		for _, c := range got.Changed {
			if len(c.Gains)+len(c.Loses) == 0 || c.Text() == "" {
				t.Errorf("a change without content: %+v", c)
			}
		}
	})
}
