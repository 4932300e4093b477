package main

import (
	"strings"
	"testing"
)

// TestKeysRotateSaysWhatIsNext: registries that hold several keys get the file before the next key signs, and those that
// hold one right after it does.
func TestKeysRotateSaysWhatIsNext(t *testing.T) {
	t.Parallel()
	const before, after = "Next: give every registry the new file, and restart it:\n", "Next, at once: give registries that hold one key the new file, and restart them; until then they refuse every token:\n"
	for _, test := range []struct {
		name, registries, keys string
		published, activated   string // what is next; empty is nothing
	}{
		{"a CA", "[{service: a.test}]", "ca", before + "  wharfgate keys export -c CONFIG --service a.test\n", ""},
		{"a key", "[{service: a.test, key_form: jwks, kind: distribution3}]", "es256", before + "  wharfgate keys export -c CONFIG --service a.test\n", ""},
		{
			"zot", "[{service: z.test, kind: zot}]", "z.test", "Next: nothing at z.test, which holds one key, until the next one signs.\n",
			after + "  wharfgate keys export -c CONFIG --service z.test\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "REGISTRIES", test.registries).withKeys(t)
			step := func(flags ...string) string {
				got := call(t, "", append([]string{"keys", "rotate", "-c", s.config, test.keys}, flags...)...)
				got.want(t, exitOK)
				return strings.ReplaceAll(got.out, s.config, "CONFIG")
			}
			want := test.keys + ": the next key is published; nothing signs with it yet\n\n" + test.published +
				"Then, after keys.publish_for (24h0m0s):\n  wharfgate keys rotate -c CONFIG " + test.keys + "\n"
			if test.activated != "" {
				want = strings.ReplaceAll(want, "Then, after keys.publish_for (24h0m0s):", "Then, after keys.publish_for (24h0m0s), or with --force at once:")
			}
			if got := step(); got != want {
				t.Errorf("the first step says\n%s\nwant\n%s", got, want)
			}
			want = test.keys + ": the next key signs now; the one before retires\n"
			if test.activated != "" {
				want += "\n" + test.activated
			}
			if got := step("--force"); got != want {
				t.Errorf("the second step says\n%s\nwant\n%s", got, want)
			}
		})
	}
}
