package bench_test

import (
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
)

func TestZZHeap(t *testing.T) {
	d := startDirectory(t, people)
	a := startInProcess(t, d)
	warm(t, "http://"+a, people)
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("heap %d MB objects %d sys %d", m.HeapAlloc>>20, m.HeapObjects, m.Sys>>20)
	f, _ := os.Create("/tmp/heap.prof")
	pprof.WriteHeapProfile(f)
	f.Close()
}
