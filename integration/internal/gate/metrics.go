package gate

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// Metrics returns the text of the gate's metrics page.
func (g *Gate) Metrics(t testing.TB) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.Operator+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("metrics answer %s, %v", answer.Status, err)
	}
	return string(text)
}

// Metric returns the sum of all series of a metric whose labels contain every given part, such as
// `result="ok"`.
func (g *Gate) Metric(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	sum, found := 0.0, false
	for line := range strings.Lines(g.Metrics(t)) {
		line = strings.TrimSpace(line)
		end := strings.LastIndexByte(line, ' ')
		if end < 0 || !matches(line[:end], name, labels) {
			continue
		}
		v, err := strconv.ParseFloat(line[end+1:], 64)
		if err != nil {
			t.Fatalf("metric %s: %v", line, err)
		}
		sum, found = sum+v, true
	}
	if !found {
		t.Fatalf("there is no metric %s with %q", name, labels)
	}
	return sum
}

// Usage counts the open files and the goroutines of the gate.
func (g *Gate) Usage(t testing.TB) (files, goroutines int) {
	t.Helper()
	files, err := g.Process.OpenFiles()
	if err != nil {
		t.Fatal(err)
	}
	return files, int(g.Metric(t, "go_goroutines"))
}

func matches(series, name string, labels []string) bool {
	rest, ok := strings.CutPrefix(series, name)
	if !ok || rest != "" && rest[0] != '{' {
		return false
	}
	for _, label := range labels {
		if !strings.Contains(rest, label) {
			return false
		}
	}
	return true
}
