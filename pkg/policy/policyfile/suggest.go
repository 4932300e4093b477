package policyfile

import "strings"

// suggest gives the remedy "did you mean" where one of the words is near, and the words that would do.
func suggest(word string, words []string) string {
	all := "(" + strings.Join(words, ", ") + ")"
	best, least := "", 3
	for _, w := range words {
		if d := distance(strings.ToLower(word), w, least); d < least && d < len(w) {
			best, least = w, d
		}
	}
	if best == "" {
		return "write one of these: " + strings.Trim(all, "()")
	}
	return `did you mean "` + best + `"? ` + all
}

// distance is the number of letters that are missing, too many, wrong or swapped with their neighbor; it
// gives most where that is not less.
func distance(a, b string, most int) int {
	if len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], most)
}
