package deploytest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/need"
)

// TestScripts: shellcheck has nothing to say about any script of the repository.
func TestScripts(t *testing.T) {
	t.Parallel()
	tool := need.Tools(t, "shellcheck")[0]
	scripts := []string{"../../.ci/run"}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if err == nil && strings.HasSuffix(path, ".sh") {
			scripts = append(scripts, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range scripts {
		t.Run(strings.TrimPrefix(path, "../../"), func(t *testing.T) {
			t.Parallel()
			output(t, tool, "--external-sources", "--source-path=SCRIPTDIR", path)
			if info, err := os.Stat(path); err != nil || !strings.HasPrefix(read(t, path), "#!/usr/bin/env bash\n") && info.Mode()&0o111 != 0 {
				t.Errorf("%s can be run and does not start with #!/usr/bin/env bash (%v)", path, err)
			}
		})
	}
}

// TestCIRunsTheTestCommand: what CI runs is the README's test command, with skips as failures, and nothing weaker.
func TestCIRunsTheTestCommand(t *testing.T) {
	t.Parallel()
	run := read(t, "../../.ci/run")
	if !strings.Contains(run, "\nexport CI=true\n") || !strings.HasSuffix(run, "\nexec make test\n") {
		t.Errorf(".ci/run does not end in make test with CI=true:\n%s", run)
	}
	if info := lstat(t, "../../.ci/run"); info.Mode()&0o111 == 0 {
		t.Error(".ci/run cannot be run")
	}
}
