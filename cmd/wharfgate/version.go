package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker (-X main.version=...); else the module's own version is used.
var version string

type versionCmd struct {
	JSON bool `help:"Print JSON."`
}

// Help gives examples.
func (*versionCmd) Help() string {
	return `Examples:

  wharfgate version
  wharfgate version --json`
}

// buildVersion gives the version, the revision of the source and the Go version of this binary.
func buildVersion() (v, revision, goVersion string) {
	v, revision, goVersion = version, "unknown", runtime.Version()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v, revision, goVersion
	}
	if v == "" {
		v = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	return v, revision, goVersion
}

// Run prints the version.
func (c *versionCmd) Run(s streams) error {
	v, revision, goVersion := buildVersion()
	if c.JSON {
		return writeJSON(s.out, map[string]string{"version": v, "revision": revision, "go": goVersion})
	}
	_, err := fmt.Fprintf(s.out, "wharfgate %s (revision %s, %s)\n", v, revision, goVersion)
	return err
}
