package policy

import "math"

// table finds clauses by the hash of a key of their subject. Different keys may share a hash: [clause.verdict]
// decides.
type table struct {
	entries []tableEntry
	slots   []tableSlot // an open hash table of the entries, at most half full; nil for few entries
}

// tableEntry are the clauses of one hash.
type tableEntry struct {
	hash    uint32
	lowest  numbers // of the rules
	clauses []*clause
}

// tableSlot is a place of the hash table: the hash, and the entry's index plus one; zero is free.
type tableSlot struct{ hash, entry uint32 }

// numbers holds the number of a rule by effect.
type numbers [2]int32

// noNumber is higher than the number of any rule.
const noNumber = math.MaxInt32

// fewEntries is up to how many entries are searched from the first to the last.
const fewEntries = 8

// add files a clause under a hash; zero is no key, and is not filed.
func (t *table) add(hash uint32, c *clause) {
	if hash == 0 {
		return
	}
	e := t.find(hash)
	if e == nil {
		t.entries = append(t.entries, tableEntry{hash: hash, lowest: numbers{noNumber, noNumber}})
		e = &t.entries[len(t.entries)-1]
		t.slot(len(t.entries) - 1)
	}
	e.clauses = append(e.clauses, c)
	e.lowest[c.effect] = min(e.lowest[c.effect], c.number)
}

// slot puts a new entry into the hash table, which is made anew at twice the size where it got too full.
func (t *table) slot(i int) {
	if len(t.entries) <= fewEntries {
		return
	}
	if 2*len(t.entries) <= len(t.slots) {
		t.put(i)
		return
	}
	t.slots = make([]tableSlot, max(2*len(t.slots), 4*fewEntries))
	for i := range t.entries {
		t.put(i)
	}
}

// put puts an entry into the first free slot from its place on.
func (t *table) put(i int) {
	hash := t.entries[i].hash
	mask := uint32(len(t.slots)-1) & math.MaxUint32
	at := hash & mask
	for t.slots[at].entry != 0 {
		at = (at + 1) & mask
	}
	t.slots[at] = tableSlot{hash: hash, entry: uint32(i+1) & math.MaxUint32}
}

// find gives the entry of a hash, or nil.
func (t *table) find(hash uint32) *tableEntry {
	if t.slots == nil {
		for i := range t.entries {
			if t.entries[i].hash == hash {
				return &t.entries[i]
			}
		}
		return nil
	}
	mask := uint32(len(t.slots)-1) & math.MaxUint32
	for at := hash & mask; ; at = (at + 1) & mask {
		switch s := t.slots[at]; {
		case s.entry == 0:
			return nil
		case s.hash == hash:
			return &t.entries[s.entry-1]
		}
	}
}

// isEmpty reports whether nothing is filed.
func (t *table) isEmpty() bool { return len(t.entries) == 0 }
