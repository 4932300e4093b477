package clients_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/repository"
)

var update = flag.Bool("update", false, "write what the clients did and said to docs/reference/clients.md")

// page is docs/reference/clients.md, of which each test holds its pieces.
type page struct {
	mu   sync.Mutex
	file string
	text string
}

var onePage struct {
	sync.Mutex
	page *page
}

func thePage(t *testing.T) *page {
	t.Helper()
	onePage.Lock()
	defer onePage.Unlock()
	if onePage.page == nil {
		file := repository.Path(t, "docs", "reference", "clients.md")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		onePage.page = &page{file: file, text: string(text)}
	}
	return onePage.page
}

// check fails the test unless a piece of the page is what it must be; with -update it is written.
func (p *page) check(t *testing.T, key, want string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	start, end := p.find(t, key)
	switch got := p.text[start:end]; {
	case got == want:
	case *update && !t.Failed():
		p.write(t, start, end, want)
	default:
		t.Errorf("docs/reference/clients.md, %s: %s\nIf that is right, or the program is of another version: go -C integration test ./clients -update",
			key, difference(got, want))
	}
}

// says checks what a program of some version said. Another version than the page's may say it in other words.
func (p *page) says(t *testing.T, name, version, text string) {
	t.Helper()
	p.mu.Lock()
	start, end := p.find(t, "version "+name)
	same := p.text[start:end] == row("`"+name+"`", version)
	p.mu.Unlock()
	if same || *update {
		p.check(t, "says "+name, text)
		return
	}
	t.Logf("%s is %s, and docs/reference/clients.md has what another version said: it is not compared", name, version)
}

// difference shows the first lines that differ.
func difference(page, found string) string {
	theirs, ours := strings.Split(page, "\n"), strings.Split(found, "\n")
	for i := range max(len(theirs), len(ours)) {
		if i >= len(theirs) || i >= len(ours) {
			return fmt.Sprintf("it has %d lines, and %d were found", len(theirs), len(ours))
		}
		if theirs[i] != ours[i] {
			return fmt.Sprintf("line %d is\n%s\nand was found to be\n%s", i+1, theirs[i], ours[i])
		}
	}
	return "nothing differs"
}

// note writes a piece of the page with -update; nobody minds if it differs.
func (p *page) note(t *testing.T, key, text string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	start, end := p.find(t, key)
	if *update && !t.Failed() {
		p.write(t, start, end, text)
	}
}

func (p *page) write(t *testing.T, start, end int, text string) {
	t.Helper()
	p.text = p.text[:start] + text + p.text[end:]
	const readable = 0o644
	if err := os.WriteFile(p.file, []byte(p.text), readable); err != nil { //nolint:gosec // a page for everybody
		t.Fatal(err)
	}
}

// find finds a piece: "row NAME" and "version NAME" are lines of tables, "says NAME" the text below a heading.
func (p *page) find(t *testing.T, key string) (start, end int) {
	t.Helper()
	kind, name, _ := strings.Cut(key, " ")
	first, last := map[string]string{
		"row": "\n| " + name + " |", "version": "\n| `" + name + "` |", "says": "\n### " + name + "\n",
	}[kind], "\n"
	start = strings.Index(p.text, first)
	if start < 0 {
		t.Fatalf("docs/reference/clients.md has no %q", first)
	}
	start++
	if kind == "says" {
		start, last = start+len(first)-1, "\n#"
	}
	end = strings.Index(p.text[start:], last)
	if end < 0 {
		return start, len(p.text)
	}
	return start, start + end + 1
}
