package main

import (
	"fmt"

	"github.com/goccy/go-json"

	"github.com/rongate/rongate/internal/frauddata"
)

// An answer is what rongate says to a question, for one entry or for several.
type answer struct {
	Features []string            `json:"features"`
	Vector   []json.RawMessage   `json:"vector"`
	Vectors  [][]json.RawMessage `json:"vectors"`
	Status   json.RawMessage     `json:"status"`
}

// vectors returns the vectors of an answer and their statuses.
func (a *answer) vectors(single bool) (vectors [][]json.RawMessage, statuses []string, err error) {
	if !single {
		err = json.Unmarshal(a.Status, &statuses)
		return a.Vectors, statuses, err
	}
	statuses = make([]string, 1)
	err = json.Unmarshal(a.Status, &statuses[0])
	return [][]json.RawMessage{a.Vector}, statuses, err
}

// check compares the body of an answer with what the data says. A catalogue that was edited may say otherwise what
// stands for rows that are not there; then only vectors that should be complete and say that they are are compared.
func check(data *frauddata.Data, asked question, body []byte, edited bool) (failure string, mistake error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return "", fmt.Errorf("%s: %w", asked.body, err)
	}
	vectors, statuses, err := a.vectors(asked.single)
	if err != nil {
		return "", fmt.Errorf("%s: %w", asked.body, err)
	}
	if len(vectors) != len(asked.entries) || len(statuses) != len(asked.entries) {
		return "", fmt.Errorf("%s: %d vectors and %d statuses for %d entries",
			asked.body, len(vectors), len(statuses), len(asked.entries))
	}
	for i, entry := range asked.entries {
		if statuses[i] == "ERROR" {
			return "ERROR", nil
		}
		if err := checkVector(data, asked, entry, a.Features, vectors[i], statuses[i], edited); err != nil {
			return "", err
		}
	}
	return "", nil
}

func checkVector(
	data *frauddata.Data, asked question, entry frauddata.Entry,
	features []string, vector []json.RawMessage, status string, edited bool,
) error {
	if len(vector) != len(features) || len(features) == 0 {
		return fmt.Errorf("%s: %d values for %d features", asked.about(entry), len(vector), len(features))
	}
	worst := frauddata.Complete
	var mistake error
	for i, name := range features {
		feature, known := data.Feature(name)
		if !known {
			continue // somebody has edited the catalogue
		}
		want, found := feature.AppendWant(nil, entry)
		worst = max(worst, found)
		if name == "amount" && asked.passed != "" {
			want = []byte(asked.passed)
		}
		if string(want) != string(vector[i]) && mistake == nil {
			mistake = fmt.Errorf("%s: %s is %s, not %s", asked.about(entry), name, vector[i], want)
		}
	}
	if edited && (worst != frauddata.Complete || status != worst.String()) {
		return nil
	}
	if mistake == nil && status != worst.String() {
		mistake = fmt.Errorf("%s: the status is %s, not %s", asked.about(entry), status, worst)
	}
	return mistake
}
