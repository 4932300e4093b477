package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/company"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

func TestTourGoesAsThePolicyHasIt(t *testing.T) {
	t.Parallel()
	var out, problems bytes.Buffer
	if err := run(t.Context(), &out, &problems, []string{"-tour", "-log"}); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), problems.String())
	}
	for _, want := range []string{
		"alice (payments) pushes payments/api:1\n   done",
		"by rule 4 (policy.yaml:",
		"alice (payments) pushes search/api:1\n   refused: the registry answers 401",
		"if alice were in team-search",
		"bob (team-search) pushes search/api:1\n   done",
		"dave (auditors) pulls payments/api:1\n   done",
		"carol (platform) pushes releases/app:1\n   refused",
		"taken away by rule 8",
		"nobody pulls public/hello:1\n   done",
		"why: wrong_password",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the tour does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
	for _, p := range company.People() {
		if strings.Contains(problems.String(), p.Password) {
			t.Errorf("the gate's log shows the password of %s", p.Login)
		}
	}
}

func TestTourFindsADifference(t *testing.T) {
	t.Parallel()
	d, err := start(t.Context(), options{Log: new(bytes.Buffer)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, s := range []step{
		{who: "erin", action: "push", image: "payments/x:1", can: true},
		{who: "carol", action: "push", image: "payments/x:1", can: false},
	} {
		if _, err := d.try(t.Context(), s); !errors.Is(err, errTour) {
			t.Errorf("%+v = %v, want %v", s, err, errTour)
		}
	}
}

// screen is what somebody reads while the demo runs.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestDemoRunsUntilItIsStoppedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out screen
	done := make(chan error, 1)
	go func() { done <- run(ctx, &out, new(bytes.Buffer), []string{"-any-ports"}) }()
	loopback.Eventually(t, time.Minute, func() error {
		select {
		case err := <-done:
			t.Fatalf("the demo ended: %v", err)
		default:
		}
		if !strings.Contains(out.String(), "Ctrl-C ends the demo") {
			return errors.New("the demo has not said everything")
		}
		return nil
	})
	text := out.String()
	for _, p := range company.People() {
		if !regexp.MustCompile(p.Login + ` +` + p.Password).MatchString(text) {
			t.Errorf("the demo does not show how to log in as %s:\n%s", p.Login, text)
		}
	}
	config := regexp.MustCompile(`-c (\S+) --user`).FindStringSubmatch(text)
	if config == nil {
		t.Fatalf("there is no explain line in:\n%s", text)
	}
	if _, err := os.Stat(config[1]); err != nil {
		t.Errorf("the explain line: %v", err)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("the demo ends with %v", err)
	}
	if _, err := os.Stat(filepath.Dir(config[1])); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the demo leaves its folder: %v", err)
	}
}
