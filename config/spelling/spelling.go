// Package spelling finds the word that was meant by one that was mistyped.
package spelling

import "strings"

// Nearest returns the candidate that a typist may have meant by word, or "". A
// word that is all of a candidate up to its "@" means that candidate.
func Nearest(word string, candidates []string) string {
	for _, c := range candidates {
		if name, _, ok := strings.Cut(c, "@"); ok && name == word {
			return c
		}
	}
	best, limit := "", 1+min(len(word)/4, 2)
	for _, c := range candidates {
		if d := Distance(word, c); d <= limit {
			best, limit = c, d-1
		}
	}
	return best
}

// Distance counts the letters to add, drop, change or swap with their neighbour
// to make b out of a (optimal string alignment).
func Distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
