package cache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/cache"
)

func newFlight(tb testing.TB, o cache.FlightOptions) *cache.Flight[string, int] {
	tb.Helper()
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	f, err := cache.NewFlight[string, int](o)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// errAsked is a fault that a question ends with.
var errAsked = errors.New("asked in vain")

func TestFlightSharesOneAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFlight(t, cache.FlightOptions{})
		var asked, shared atomic.Int32
		for range 100 {
			go func() {
				a, err := f.Do(t.Context(), "q", func(context.Context) (int, error) {
					asked.Add(1)
					time.Sleep(time.Second)
					return 7, nil
				})
				if err != nil || a.Value != 7 {
					t.Errorf("Do() = %v, %v, want 7", a.Value, err)
				}
				if a.Shared {
					shared.Add(1)
				}
			}()
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if asked.Load() != 1 || shared.Load() != 99 {
			t.Errorf("asked %d times, shared by %d, want 1 and 99", asked.Load(), shared.Load())
		}
		if _, err := f.Do(t.Context(), "q", func(context.Context) (int, error) { return 0, errAsked }); !errors.Is(err, errAsked) {
			t.Errorf("Do after the flight: error %v, want a new question's", err)
		}
	})
}

// TestLDAP56_OneCallerLeaves: a cancel fails its own caller at once and nobody else, whoever asked first.
func TestLDAP56_OneCallerLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFlight(t, cache.FlightOptions{})
		ask := func(ctx context.Context) (int, error) {
			select {
			case <-time.After(2 * time.Second):
				return 7, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		first, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := f.Do(first, "q", ask)
			left <- err
		}()
		synctest.Wait()
		stayed := make(chan error, 1)
		go func() {
			a, err := f.Do(t.Context(), "q", ask)
			if a.Value != 7 || !a.Shared {
				err = fmt.Errorf("Do() = %+v: %w", a, err)
			}
			stayed <- err
		}()
		synctest.Wait()
		start := time.Now()
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) || time.Since(start) != 0 {
			t.Errorf("the one who left got %v after %v, want its own cancel at once", err, time.Since(start))
		}
		if err := <-stayed; err != nil {
			t.Errorf("the one who stayed: %v", err)
		}
	})
}

func TestFlightWithoutCallers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		orphans      cache.Orphans
		wantCanceled bool
		wantShared   bool
	}{
		{"canceled", cache.Cancel, true, false},
		{"finished", cache.Finish, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFlight(t, cache.FlightOptions{Orphans: tt.orphans})
				ended := make(chan error, 2)
				ask := func(ctx context.Context) (int, error) {
					select {
					case <-time.After(3 * time.Second):
					case <-ctx.Done():
					}
					ended <- ctx.Err()
					return 7, ctx.Err()
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if _, err := f.Do(ctx, "q", ask); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Do() error = %v, want the caller's deadline", err)
				}
				a, err := f.Do(t.Context(), "q", ask)
				if err != nil || a.Value != 7 || a.Shared != tt.wantShared {
					t.Errorf("Do() by the next = %+v, %v, want 7, shared %t", a, err, tt.wantShared)
				}
				if err := <-ended; errors.Is(err, context.Canceled) != tt.wantCanceled {
					t.Errorf("the first question ended with %v, want canceled %t", err, tt.wantCanceled)
				}
				f.Wait()
			})
		})
	}
}

func TestFlightHasItsOwnDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFlight(t, cache.FlightOptions{Timeout: 2 * time.Second})
		type key struct{}
		ctx := context.WithValue(t.Context(), key{}, "kept")
		start := time.Now()
		_, err := f.Do(ctx, "q", func(ctx context.Context) (int, error) {
			if ctx.Value(key{}) != "kept" {
				t.Error("the caller's values are lost")
			}
			<-ctx.Done()
			return 0, ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2*time.Second {
			t.Errorf("Do() = %v after %v, want the flight's deadline", err, time.Since(start))
		}
	})
}

func TestFlightSurvivesFaults(t *testing.T) {
	t.Parallel()
	zero := 0
	tests := []struct {
		name string
		ask  func(context.Context) (int, error)
	}{
		{"panic", func(context.Context) (int, error) { return 1 / zero, nil }},
		{"goroutine left", func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFlight(t, cache.FlightOptions{})
				var wg sync.WaitGroup
				for range 10 {
					wg.Go(func() {
						_, err := f.Do(t.Context(), "q", func(ctx context.Context) (int, error) {
							time.Sleep(time.Second)
							return tt.ask(ctx)
						})
						if !errors.Is(err, cache.ErrNoAnswer) {
							t.Errorf("Do() error = %v, want ErrNoAnswer", err)
						}
					})
				}
				wg.Wait()
			})
		})
	}
}

func TestFlightOfAnEndedCaller(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newFlight(t, cache.FlightOptions{}).Do(ctx, "q", func(context.Context) (int, error) {
		t.Error("the question was asked")
		return 0, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Do() error = %v, want Canceled", err)
	}
}

func TestNewFlightRefuses(t *testing.T) {
	t.Parallel()
	if _, err := cache.NewFlight[string, int](cache.FlightOptions{}); !errors.Is(err, cache.ErrInvalidOptions) {
		t.Errorf("NewFlight without a timeout: error %v, want ErrInvalidOptions", err)
	}
}

func BenchmarkFlight(b *testing.B) {
	f := newFlight(b, cache.FlightOptions{})
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Do(ctx, "q", func(context.Context) (int, error) { return 7, nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleFlight() {
	f, err := cache.NewFlight[string, int](cache.FlightOptions{Timeout: time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := f.Do(context.Background(), "how many", func(context.Context) (int, error) { return 42, nil })
	fmt.Println(answer.Value, err)
	// Output: 42 <nil>
}
