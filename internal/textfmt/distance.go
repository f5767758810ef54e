package textfmt

// EditDistance returns the edit distance of two texts in bytes: the least number of insertions,
// deletions and changes that make one text of the other.
func EditDistance(a, b string) int { return EditDistances(a, b)[len(b)] }

// EditDistances returns the edit distances from a to each prefix of b, the empty one first.
func EditDistances(a, b string) []int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row
}
