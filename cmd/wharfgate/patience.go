package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// quiet is how long a command may say nothing at a terminal.
const quiet = 2 * time.Second

// patience says what a command waits for, at a terminal and if it takes longer than [quiet]. The func that it
// gives is called when the wait is over, and returns when nothing more is written.
func (s streams) patience(what string) (done func()) {
	if !terminal(s.err) {
		return func() {}
	}
	return tell(s.err, what, quiet)
}

// tell writes a line after some time, unless it is stopped first.
func tell(w io.Writer, what string, after time.Duration) (stop func()) {
	var mu sync.Mutex
	over := false
	t := time.AfterFunc(after, func() {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			fmt.Fprintln(w, what+" ...")
		}
	})
	return func() {
		t.Stop()
		mu.Lock()
		defer mu.Unlock()
		over = true
	}
}
