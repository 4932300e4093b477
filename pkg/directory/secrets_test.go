package directory_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestLDAP62_MemoriesHoldNoPassword: in everything that can be reached from a login flow, private or not, stands no
// password after right and wrong logins: neither one that is remembered as proven, nor as wrong, nor a stranger's.
func TestLDAP62_MemoriesHoldNoPassword(t *testing.T) {
	t.Parallel()
	r := newRoom(t, func(s *setup) {
		counter, err := guard.NewMemory(guard.MemoryOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if s.auth.Budget, err = guard.NewBudget(guard.BudgetOptions{Counter: counter}); err != nil {
			t.Fatal(err)
		}
		if s.auth.Strangers, err = guard.NewStrangers(guard.StrangersOptions{}); err != nil {
			t.Fatal(err)
		}
		s.auth.ProvenFor, s.auth.ProvenIfDown = time.Minute, time.Minute
	})
	const wrong, strangers = "zaphod-beeblebrox-1979", "slartibartfast-1979"
	for range 2 {
		if _, err := r.login(t.Context(), "alice", right); err != nil {
			t.Fatal(err)
		}
		_, _ = r.login(t.Context(), "alice", wrong)
		_, _ = r.login(t.Context(), "nobody", strangers)
	}
	_, err := r.login(t.Context(), "alice", wrong)
	wantReason(t, err, identity.ReasonKnownWrongPassword) // so it is remembered
	held := reachable(r.auth)
	for _, password := range []string{right, wrong, strangers} {
		if strings.Contains(held, password) {
			t.Errorf("the password %.5s... is held", password)
		}
	}
	if !strings.Contains(held, "id-alice") || !strings.Contains(held, "corp") {
		t.Error("what is remembered of alice was not found: the test shows nothing")
	}
}

// reachable gives every text that can be reached from a value, but in the fake directory, which has to know passwords.
func reachable(v any) string {
	w := walker{seen: map[visit]bool{}}
	w.walk(reflect.ValueOf(v))
	return w.text.String()
}

// visit is a pointer that was followed.
type visit struct {
	at uintptr
	as reflect.Type
}

// walker follows values wherever they lead.
type walker struct {
	seen map[visit]bool
	text strings.Builder
}

func (w *walker) walk(v reflect.Value) {
	if !v.IsValid() || strings.HasSuffix(v.Type().PkgPath(), "directorytest") {
		return
	}
	switch v.Kind() {
	case reflect.String:
		w.text.WriteString(v.String() + "\n")
	case reflect.Pointer, reflect.Map, reflect.Slice:
		w.follow(v)
	case reflect.Interface:
		w.walk(v.Elem())
	case reflect.Array:
		w.list(v)
	case reflect.Struct:
		for _, field := range v.Fields() {
			w.walk(field)
		}
	default: // numbers, functions and channels have no text
	}
}

// follow goes where a pointer, a map or a slice leads, once.
func (w *walker) follow(v reflect.Value) {
	if v.IsNil() {
		return
	}
	if v.Kind() == reflect.Slice {
		w.list(v)
		return
	}
	at := visit{v.Pointer(), v.Type()}
	if w.seen[at] {
		return
	}
	w.seen[at] = true
	if v.Kind() == reflect.Pointer {
		w.walk(v.Elem())
		return
	}
	for entry := v.MapRange(); entry.Next(); {
		w.walk(entry.Key())
		w.walk(entry.Value())
	}
}

// list goes through an array or a slice; bytes are a text.
func (w *walker) list(v reflect.Value) {
	text := v.Type().Elem().Kind() == reflect.Uint8
	for i := range v.Len() {
		if text {
			w.text.WriteByte(byte(v.Index(i).Uint()))
			continue
		}
		w.walk(v.Index(i))
	}
	w.text.WriteByte('\n')
}
