package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// ErrInvalidOptions means that [New] was given options that make no sense.
var ErrInvalidOptions = errors.New("invalid options")

const (
	// DefaultQueue is how many records wait at most.
	DefaultQueue = 4096
	// DefaultWait is how long a request waits at most for a place in the queue.
	DefaultWait = 50 * time.Millisecond
	// batchSize is how many bytes are gathered before they are written, while more records wait.
	batchSize = 64 << 10
)

// Options are what [New] needs. Exactly one of File and Output must be set.
type Options struct {
	// File is the path of a file that records are appended to, made with mode 0600 if absent.
	File string
	// Output takes the records instead of a file; it is not closed.
	Output io.Writer
	// Queue is how many records wait at most; zero means [DefaultQueue].
	Queue int
	// Wait is how long [Writer.Write] waits at most when the queue is full; zero means [DefaultWait].
	Wait time.Duration
	// Observer is told of losses; its zero value tells nobody.
	Observer Observer
}

// Observer is told what happens, in the manner of net/http/httptrace. Every func may be nil, is called from
// many goroutines at once, and must not block.
type Observer struct {
	// Dropped is called with the number of records that were lost: the queue was full, the Writer was
	// closed, or the output failed.
	Dropped func(records int)
	// Failed is called with each error of the output. The records concerned were told to Dropped.
	Failed func(err error)
}

func (o Observer) dropped(records int) {
	if o.Dropped != nil && records > 0 {
		o.Dropped(records)
	}
}

func (o Observer) failed(err error) {
	if o.Failed != nil {
		o.Failed(err)
	}
}

// Writer writes records one a line, in the order in which they came, on a goroutine of its own. It is safe
// for concurrent use. Close it, or what waits is lost.
type Writer struct {
	wait     time.Duration
	observer Observer
	sink     *sink
	done     chan struct{}

	// closing is held for reading while a record is handed over, so that the queue is closed only when
	// nobody does.
	closing sync.RWMutex
	closed  bool
	queue   chan Record
}

// New opens the output and starts writing. Errors match [ErrInvalidOptions] or are those of the file system.
func New(o Options) (*Writer, error) {
	if (o.File == "") == (o.Output == nil) {
		return nil, fmt.Errorf("%w: a file or an output must be set, and not both", ErrInvalidOptions)
	}
	if o.Queue < 0 || o.Wait < 0 {
		return nil, fmt.Errorf("%w: queue and wait must not be negative", ErrInvalidOptions)
	}
	if o.Queue == 0 {
		o.Queue = DefaultQueue
	}
	if o.Wait == 0 {
		o.Wait = DefaultWait
	}
	s, err := newSink(o.File, o.Output)
	if err != nil {
		return nil, err
	}
	w := &Writer{
		wait: o.Wait, observer: o.Observer, sink: s,
		done: make(chan struct{}), queue: make(chan Record, o.Queue),
	}
	go w.run()
	return w, nil
}

// Write hands a record over. It sets the version, returns at once as long as the output keeps up, and after
// Options.Wait in any case: then the record is dropped and counted. The record must not be changed
// afterwards.
func (w *Writer) Write(r Record) {
	w.closing.RLock()
	defer w.closing.RUnlock()
	if w.closed {
		w.observer.dropped(1)
		return
	}
	r.Version = Version
	select {
	case w.queue <- r:
		return
	default:
	}
	timer := time.NewTimer(w.wait)
	defer timer.Stop()
	select {
	case w.queue <- r:
	case <-timer.C:
		w.observer.dropped(1)
	}
}

// Reopen opens the file by its name again, after something moved it away. Records before the call are in
// the old file or the new one; none is lost. Without a file it does nothing. On error the old one stays.
func (w *Writer) Reopen() error { return w.sink.reopen() }

// Close stops taking records, writes those that wait, and closes the file. When ctx ends first it returns
// an error that matches the context's; what waited then may be lost. Closing again waits again.
func (w *Writer) Close(ctx context.Context) error {
	w.closing.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.closing.Unlock()
	select {
	case <-w.done:
		return w.sink.close()
	case <-ctx.Done():
		return fmt.Errorf("write the audit record, %d left: %w", len(w.queue), ctx.Err())
	}
}

// run writes until the queue is closed and empty.
func (w *Writer) run() {
	defer close(w.done)
	var e encoder
	for r := range w.queue {
		w.add(&e, r)
		w.addWaiting(&e)
		if err := w.sink.write(e.lines()); err != nil {
			w.observer.dropped(e.count)
			w.observer.failed(err)
		}
		e.reset()
	}
}

// addWaiting gathers what waits, up to the size of one batch.
func (w *Writer) addWaiting(e *encoder) {
	for e.buf.Len() < batchSize {
		select {
		case r, ok := <-w.queue:
			if !ok {
				return
			}
			w.add(e, r)
		default:
			return
		}
	}
}

// add encodes one record.
func (w *Writer) add(e *encoder, r Record) {
	if err := e.add(r); err != nil {
		w.observer.dropped(1)
		w.observer.failed(err)
	}
}
