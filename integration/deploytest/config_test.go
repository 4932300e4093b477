package deploytest_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/config"
)

const exampleConfig = "../../deploy/examples/wharfgate.yaml"

func TestExampleConfigLoads(t *testing.T) {
	t.Parallel()
	c, err := config.Load(exampleConfig)
	if err != nil {
		t.Fatalf("Load(%s):\n%v", exampleConfig, err)
	}
	if len(c.Registries) != 1 || len(c.Directories) != 1 || !c.TLS.Enabled() {
		t.Errorf("registries = %v, directories = %v, TLS = %v: the example does not show what it should", c.Registries, c.Directories, c.TLS)
	}
}

// TestExampleConfigShowsDefaults: what is commented out is a default or a legal alternative.
func TestExampleConfigShowsDefaults(t *testing.T) {
	t.Parallel()
	data := read(t, exampleConfig)
	whole := regexp.MustCompile(`(?m)^( *)#([a-z])`).ReplaceAllString(data, "$1$2")
	if whole == data {
		t.Fatal("nothing is commented out: this test has nothing to look at")
	}
	if _, err := config.Parse("wharfgate.yaml", []byte(whole)); err != nil {
		t.Errorf("with every commented line in force:\n%v", err)
	}
}

// TestExampleConfigIsComplete: an operator finds every key of this version in it.
func TestExampleConfigIsComplete(t *testing.T) {
	t.Parallel()
	data := read(t, exampleConfig)
	for _, k := range config.AllKeys() {
		if strings.HasPrefix(k.Path, "directories[].discover") { // in place of servers, and a fault beside them
			continue
		}
		name := k.Path[strings.LastIndexAny(k.Path, ".]")+1:]
		if !regexp.MustCompile(`(?m)^ *(- )?#?` + regexp.QuoteMeta(name) + `:|[{,] *` + regexp.QuoteMeta(name) + `:`).MatchString(data) {
			t.Errorf("%s is not in %s", k.Path, exampleConfig)
		}
	}
}
