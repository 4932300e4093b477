package bench_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// figure is one line of the outcome.
type figure struct {
	what, value, target string
	met                 verdict
}

// verdict says whether a target was met.
type verdict string

// The verdicts; a figure without a target has none.
const (
	none   verdict = ""
	met    verdict = "met"
	missed verdict = "MISSED"
)

// judge is the verdict on a target that holds or does not.
func judge(holds bool) verdict {
	if holds {
		return met
	}
	return missed
}

// report gathers figures in the order in which they are taken.
type report struct{ figures []figure }

// add adds a figure and tells who waits.
func (r *report) add(what, value, target string, v verdict) {
	r.figures = append(r.figures, figure{what, value, target, v})
}

// table writes the figures as a Markdown table that is also readable as it is.
func (r *report) table() string {
	rows := [][]string{{"figure", "value", "target", ""}, {"", "", "", ""}}
	for _, f := range r.figures {
		rows = append(rows, []string{f.what, f.value, f.target, string(f.met)})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		for i, cell := range row {
			fill := " "
			if n == 1 {
				fill = "-"
			}
			b.WriteString("| " + cell + strings.Repeat(fill, widths[i]-utf8.RuneCountInString(cell)) + " ")
		}
		b.WriteString("|\n")
	}
	return b.String()
}

// missed are the figures whose target was not met.
func (r *report) missed() []string {
	var all []string
	for _, f := range r.figures {
		if f.met == missed {
			all = append(all, f.what+": "+f.value+", wanted "+f.target)
		}
	}
	return all
}

// median is the middle of some values; of an even number the mean of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// spread shows the least and the greatest of some values.
func spread(format string, values []float64) string {
	return fmt.Sprintf(format+" to "+format, slices.Min(values), slices.Max(values))
}

// surroundings says on what the figures were taken.
func surroundings(t testing.TB) string {
	t.Helper()
	model := firstMatch(`model name\s*: (.*)`, readFile("/proc/cpuinfo"))
	memory := firstMatch(`MemTotal:\s*(\d+)`, readFile("/proc/meminfo"))
	slapd, _ := exec.CommandContext(t.Context(), "/usr/sbin/slapd", "-VV").CombinedOutput() //nolint:gosec // fixed words
	wrk, _ := exec.CommandContext(t.Context(), "wrk", "-v").CombinedOutput()
	return fmt.Sprintf("%s. %d cores (%s), %s kB of memory, Linux %s. %s, slapd %s, wrk %s.",
		time.Now().UTC().Format("2 January 2006"), runtime.NumCPU(), model, memory,
		strings.TrimSpace(readFile("/proc/sys/kernel/osrelease")), runtime.Version(),
		firstMatch(`slapd (\S+)`, string(slapd)), firstMatch(`wrk \S*?(\d\S*)`, string(wrk)))
}

func readFile(path string) string {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return ""
	}
	return string(text)
}

func firstMatch(pattern, text string) string {
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		return "unknown"
	}
	return strings.TrimSpace(m[1])
}

// The figures of a page stand between these lines.
const (
	pageBegin        = "<!-- figures: written by make bench -->"
	policyBegin      = "<!-- figures of the policy: written by make bench -->"
	directoriesBegin = "<!-- figures of directories: written by make bench -->"
	refreshBegin     = "<!-- figures of refresh tokens: written by make bench -->"
	pageEnd          = "<!-- end of figures -->"
)

// writePage replaces the figures behind a mark in a page.
func writePage(t testing.TB, page, begin, text string) {
	t.Helper()
	old := readFile(page)
	before, rest, found := strings.Cut(old, begin)
	_, after, ends := strings.Cut(rest, pageEnd)
	if !found || !ends {
		t.Fatalf("%s has no place for figures", page)
	}
	const mode = 0o644
	if err := os.WriteFile(page, []byte(before+begin+"\n"+text+pageEnd+after), mode); err != nil {
		t.Fatal(err)
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(tt.values); got != tt.want {
			t.Errorf("median(%v) = %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestWritePage(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "page.md")
	writeFile(t, page, "a\n"+pageBegin+"\nold\n"+pageEnd+"\nz\n")
	var r report
	r.add("rate", "1", "2", missed)
	writePage(t, page, pageBegin, r.table())
	want := "a\n" + pageBegin + "\n| figure | value | target |        |\n| ------ | ----- | ------ | ------ |\n" +
		"| rate   | 1     | 2      | MISSED |\n" + pageEnd + "\nz\n"
	if got := readFile(page); got != want {
		t.Errorf("page = %q, want %q", got, want)
	}
	if got := r.missed(); len(got) != 1 {
		t.Errorf("missed = %q, want one", got)
	}
}
