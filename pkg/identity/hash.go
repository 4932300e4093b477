package identity

import "math"

// FoldID gives the form in which a directory's own ids are compared: ASCII letters in lower case. It does not
// allocate for an id that is in that form.
func FoldID(id string) string {
	for i := range len(id) {
		if 'A' <= id[i] && id[i] <= 'Z' {
			return lowerASCII(id)
		}
	}
	return id
}

// Hash gives a number by which a key is looked up, such as [Group.NameKey]: FNV-1a in 64 bits, folded to 32. Zero is
// the empty key and no other. Different keys may have the same number: it finds, and never decides.
func Hash[T string | []byte](key T) uint32 {
	const offset, prime = 14695981039346656037, 1099511628211
	if len(key) == 0 {
		return 0
	}
	h := uint64(offset)
	for i := range len(key) {
		h ^= uint64(key[i])
		h *= prime
	}
	return max(uint32((h^h>>32)&math.MaxUint32), 1)
}
