package policy

import "strings"

// path is a repository name cut at its slashes, without allocation.
type path struct {
	name string
	ends [maxParts]int
	n    int
}

// cut cuts a name. A name with an empty part or with too many of them has no parts and matches nothing.
func (p *path) cut(name string) {
	p.name, p.n = name, 0
	start := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		if i == start || p.n == maxParts {
			p.n = 0
			return
		}
		p.ends[p.n] = i
		p.n++
		start = i + 1
	}
}

// part gives the i-th part.
func (p *path) part(i int) string {
	if i == 0 {
		return p.name[:p.ends[0]]
	}
	return p.name[p.ends[i-1]+1 : p.ends[i]]
}

// filling says what holes stand for: the login name, and what the holes of a group name took. A nil filling
// lets every hole stand for any characters.
type filling struct {
	user  string
	group values
}

// matchPath reports whether the parts of a pattern match a path. A "**" takes one part and more only as long
// as the rest does not fit, so the work is at most the product of both lengths.
func matchPath(parts []part, p *path, f *filling) bool {
	if p.n == 0 {
		return false
	}
	i, n := 0, 0
	deep, mark := -1, 0
	for {
		switch {
		case i == len(parts) && n == p.n:
			return true
		case i < len(parts) && n < p.n && parts[i].deep:
			deep, mark = i, n+1
			i, n = i+1, n+1
			continue
		case i < len(parts) && n < p.n && matchPart(parts[i].elems, p.part(n), f):
			i, n = i+1, n+1
			continue
		}
		if deep < 0 || mark >= p.n {
			return false
		}
		mark++
		i, n = deep+1, mark
	}
}

// matchPart reports whether the elements match one part; the last star tried gives way first.
func matchPart(elems []elem, s string, f *filling) bool {
	i, at := 0, 0
	star, mark := -1, 0
	for {
		switch {
		case i == len(elems) && at == len(s):
			return true
		case i < len(elems) && elems[i].isStar(f):
			star, mark = i, at
			i++
			continue
		case i < len(elems):
			if text := elems[i].fill(f); strings.HasPrefix(s[at:], text) {
				i, at = i+1, at+len(text)
				continue
			}
		}
		if star < 0 || mark >= len(s) {
			return false
		}
		mark++
		i, at = star+1, mark
	}
}

// isStar reports whether the element stands for any characters.
func (e *elem) isStar(f *filling) bool { return e.kind == starElem || f == nil && e.kind == holeElem }

// fill gives the text that the element stands for.
func (e *elem) fill(f *filling) string {
	switch {
	case e.kind != holeElem:
		return e.text
	case e.slot == userSlot:
		return f.user
	default:
		return f.group[e.slot]
	}
}
