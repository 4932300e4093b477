package proc

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// spawn starts a command from one thread that lives as long as the test binary: the kernel ends the program
// when the thread that started it ends.
func spawn(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	result := make(chan error)
	spawner() <- func() { result <- cmd.Start() }
	return <-result
}

// spawner is the queue of the thread that starts programs.
var spawner = sync.OnceValue(func() chan<- func() { //nolint:gochecknoglobals // one thread a test binary
	queue := make(chan func())
	go func() {
		runtime.LockOSThread()
		for start := range queue {
			start()
		}
	}()
	return queue
})
