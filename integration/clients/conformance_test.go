package clients_test

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/distribution"
)

// TestConformance: the distribution specification's tests fail for the same names with and without the gate.
func TestConformance(t *testing.T) {
	t.Parallel()
	c := shared(t)
	program := client.Conformance(t)
	open := map[string]func(*testing.T) string{
		service2: func(t *testing.T) string { return distribution.StartV2(t, distribution.Auth{}).Host },
		service3: func(t *testing.T) string { return distribution.StartV3(t, distribution.Auth{}) },
	}
	titles := map[string]string{service2: "distribution 2.8", service3: "distribution 3"}
	for service, start := range open {
		t.Run(titles[service], func(t *testing.T) {
			t.Parallel()
			host := start(t)
			var without, with outcome
			var both sync.WaitGroup
			both.Go(func() { without = conform(t, program, "OCI_REGISTRY="+host) })
			both.Go(func() {
				with = conform(t, program, "OCI_REGISTRY="+c.up.hosts[service], "OCI_USERNAME=dana", "OCI_PASSWORD="+c.directory.Password)
			})
			both.Wait()
			if !slices.Equal(without.failed, with.failed) {
				t.Errorf("without the gate fail\n%s\nwith it\n%s", strings.Join(without.failed, "\n"), strings.Join(with.failed, "\n"))
			}
			const least = 400 // so that a program that does nothing does not pass
			if without.passed != with.passed || with.passed < least {
				t.Errorf("%d tests pass without the gate, %d with it, want the same and %d at least", without.passed, with.passed, least)
			}
			count := strconv.Itoa(len(with.failed))
			thePage(t).check(t, "row "+titles[service], row(titles[service], strconv.Itoa(with.passed), count, "the same "+count))
		})
	}
}

// outcome is what came of the conformance tests.
type outcome struct {
	// failed are the names of the tests that failed, sorted; a name may be there twice.
	failed []string
	passed int
}

// report is what the program writes: JUnit's form.
type report struct {
	Suites []struct {
		Tests []struct {
			Name   string `xml:"name,attr"`
			Class  string `xml:"classname,attr"`
			Status string `xml:"status,attr"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

// conform runs the conformance program on the registry that the settings name.
func conform(t *testing.T, program string, settings ...string) outcome {
	t.Helper()
	const repositories = "OCI_REPO1=conf/one OCI_REPO2=conf/two"
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"HOME=" + cmd.Dir, "OCI_TLS=disabled", "OCI_VERSION=1.1"}, strings.Fields(repositories)...)
	cmd.Env = append(cmd.Env, settings...)
	said, fault := cmd.CombinedOutput() // it ends with a fault if a test failed
	var r report
	text, err := os.ReadFile(filepath.Join(cmd.Dir, "results", "junit.xml"))
	if err == nil {
		err = xml.Unmarshal(text, &r)
	}
	if err != nil {
		t.Errorf("conformance leaves no report: %v, %v\n%s", err, fault, said)
	}
	var o outcome
	for _, suite := range r.Suites {
		for _, test := range suite.Tests {
			switch test.Status {
			case "passed":
				o.passed++
			case "failure", "error":
				o.failed = append(o.failed, test.Class+"/"+test.Name)
			}
		}
	}
	slices.Sort(o.failed)
	return o
}
