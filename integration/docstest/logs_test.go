package docstest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestLogMessages: docs/reference/logs.md has every message that the product logs, with its level and its keys, and
// no other.
func TestLogMessages(t *testing.T) {
	t.Parallel()
	logged := logLines(t)
	page := readPage(t, "docs/reference/logs.md")
	row := regexp.MustCompile("(?m)^\\| (debug|info|warn|error) \\| `([^`]+)` \\|([^|]*)\\|")
	var described []string
	for _, m := range row.FindAllStringSubmatch(page, -1) {
		described = append(described, logLine(m[1], m[2], regexp.MustCompile("`([a-z_]+)`").FindAllString(m[3], -1)))
	}
	if len(logged) == 0 || len(described) == 0 {
		t.Fatalf("%d messages in the source, %d on the page", len(logged), len(described))
	}
	differences(t, "docs/reference/logs.md", logged, described)
}

// TestLogKeysOfRequests: the same for the keys of the line of a request.
func TestLogKeysOfRequests(t *testing.T) {
	t.Parallel()
	key := regexp.MustCompile(`slog\.(?:String|Int|Float64|Bool)\("([a-z_]+)"`)
	var logged, described []string
	for _, m := range key.FindAllStringSubmatch(readPage(t, "pkg/server/log.go"), -1) {
		logged = append(logged, m[1])
	}
	_, table, _ := strings.Cut(readPage(t, "docs/reference/logs.md"), "| key | there |")
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		if cell, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " |"); ok {
			for name := range strings.SplitSeq(cell, ", ") {
				if strings.HasPrefix(name, "`") {
					described = append(described, strings.Trim(name, "`"))
				}
			}
		}
	}
	if len(logged) == 0 || len(described) == 0 {
		t.Fatalf("%d keys in the source, %d on the page", len(logged), len(described))
	}
	differences(t, "docs/reference/logs.md", logged, described)
}

// differences reports what one of two lists lacks.
func differences(t *testing.T, page string, logged, described []string) {
	t.Helper()
	for _, l := range logged {
		if !slices.Contains(described, l) {
			t.Errorf("%s lacks %s", page, l)
		}
	}
	for _, l := range described {
		if !slices.Contains(logged, l) {
			t.Errorf("%s has %s, which nothing logs", page, l)
		}
	}
}

func logLine(level, message string, keys []string) string {
	text := level + ": " + message + " ["
	for _, k := range keys {
		text += " " + strings.Trim(k, "`")
	}
	return text + " ]"
}

// logLines are the calls of a slog.Logger in the source: level, message and keys. The line of a request is not
// among them, as its message comes after its level.
func logLines(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, dir := range []string{"pkg", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if line, ok := logCall(call); ok {
						found = append(found, line)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// logCall reads one call of Info, WarnContext and the like; ok is false for any other.
func logCall(call *ast.CallExpr) (line string, ok bool) {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	name, withContext := strings.CutSuffix(method.Sel.Name, "Context")
	args := call.Args
	if withContext && len(args) > 0 {
		args = args[1:]
	}
	if !slices.Contains([]string{"Debug", "Info", "Warn", "Error"}, name) || len(args) == 0 {
		return "", false
	}
	message, ok := literal(args[0])
	if !ok {
		return "", false
	}
	var keys []string
	for i, arg := range args[1:] {
		if key, ok := literal(arg); ok && i%2 == 0 {
			keys = append(keys, key)
		}
	}
	return logLine(strings.ToLower(name), message, keys), true
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

func TestLogCallIsRead(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`x.log.Warn("a thing", "key", v, "other_key", w)`: "warn: a thing [ key other_key ]",
		`log.ErrorContext(ctx, "b", "error", err)`:        "error: b [ error ]",
		`err.Error()`:  "",
		`l.Info(text)`: "",
	} {
		e, err := parser.ParseExpr(source)
		if err != nil {
			t.Fatal(err)
		}
		call, ok := e.(*ast.CallExpr)
		if !ok {
			t.Fatalf("%s is no call", source)
		}
		if got, _ := logCall(call); got != want {
			t.Errorf("logCall(%s) = %q, want %q", source, got, want)
		}
	}
}
