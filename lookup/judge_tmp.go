package lookup

import "github.com/rongate/rongate/breaker"

type judgement struct {
	verdict verdict
	outcome breaker.Outcome
	retries int
	class   string
}

func judge(err error) judgement {
	v := classify(err)
	j := judgement{verdict: v, outcome: breaker.Excluded}
	switch {
	case err == nil:
		j.outcome = breaker.Success
	case v == verdictElsewhere:
		j.outcome, j.retries = breaker.Failure, 2
	case v == verdictLater:
		j.retries = 2
	}
	return j
}
