package yamldoc

import (
	"fmt"
	"strings"
)

// maxListed bounds how many choices a message lists.
const maxListed = 12

// Suggest says what to write instead of a name that is not known: "did you mean x?" if one of the choices is close to
// it, else what the choices are.
func Suggest(name string, choices []string) string {
	choices = distinct(choices)
	best, least := "", 1+max(1, len([]rune(name))/3)
	for _, choice := range choices {
		if d := distance(name, choice, least); d < least {
			best, least = choice, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %s?", best)
	case len(choices) == 0:
		return "there is none to choose from"
	case len(choices) > maxListed:
		return fmt.Sprintf("there are %s and %d more", strings.Join(choices[:maxListed], ", "), len(choices)-maxListed)
	case len(choices) == 1:
		return "there is only " + choices[0]
	}
	return "there are " + strings.Join(choices, ", ")
}

// distinct returns each choice once, in the order given.
func distinct(choices []string) []string {
	seen := make(map[string]bool, len(choices))
	var once []string
	for _, choice := range choices {
		if !seen[choice] {
			once = append(once, choice)
		}
		seen[choice] = true
	}
	return once
}

// distance counts the letters to be changed, added, left out or swapped with their neighbour to make b of a, whatever
// their case. It gives up at limit.
func distance(a, b string, limit int) int {
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	if len(x)-len(y) >= limit || len(y)-len(x) >= limit {
		return limit
	}
	// before, above and row are the last three rows of the table of distances between the beginnings of x and of y.
	before, above, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range above {
		above[j] = j
	}
	for i := range x {
		row[0] = i + 1
		for j := range y {
			change := above[j]
			if x[i] != y[j] {
				change++
			}
			row[j+1] = min(change, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(y)]
}
