package actions

import "strings"

// closest returns the known word that a mistyped one probably stands for, or "".
func closest(word string, known []string) string {
	plain := strings.NewReplacer("_", "", "-", "", " ", "")
	w := plain.Replace(strings.ToLower(word))
	best, at := "", 3 // more than two slips are another word
	for _, k := range known {
		if d := distance(w, plain.Replace(k)); d < at {
			best, at = k, d
		}
	}
	return best
}

// distance counts the letters to insert, drop or replace to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
