package server

import (
	"net/http"
	"strconv"

	"github.com/goccy/go-json"
	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/vectors"
)

// An rdrsError is how an error is told in the API of RonDB's REST server.
type rdrsError struct {
	code   vectors.RDRSCode // 0: as plain text
	status int
}

// rdrsErrors are those that are told in that API's way, by code; the others, which it does not have, are problems. It
// answers 400 to everything that is wrong with a request but to a key of the wrong type and to missing rights. Where
// it says 500 of all that is wrong with the database, the statuses here are those of the native API: what stands between a
// client and a gateway goes by them.
var rdrsErrors = map[vectors.Code]rdrsError{
	vectors.MalformedJSON:        {0, http.StatusBadRequest},
	vectors.DuplicateName:        {0, http.StatusBadRequest},
	vectors.UnknownField:         {0, http.StatusBadRequest},
	vectors.MissingField:         {0, http.StatusBadRequest},
	vectors.WrongType:            {0, http.StatusBadRequest},
	vectors.InvalidValue:         {0, http.StatusBadRequest},
	vectors.UnknownView:          {vectors.RDRSUnknownView, http.StatusBadRequest},
	vectors.UnknownKey:           {12, http.StatusBadRequest},
	vectors.InvalidKey:           {10, http.StatusUnsupportedMediaType},
	vectors.UnknownPassedFeature: {11, http.StatusBadRequest},
	vectors.InvalidPassedFeature: {10, http.StatusBadRequest},
	vectors.BatchTooLarge:        {18, http.StatusBadRequest},
	vectors.AnswerTooLarge:       {18, http.StatusBadRequest},
	vectors.UndecodableFeature:   {19, http.StatusInternalServerError},
	vectors.Overloaded:           {14, http.StatusTooManyRequests},
	vectors.Unavailable:          {14, http.StatusServiceUnavailable},
	vectors.DeadlineExceeded:     {14, http.StatusGatewayTimeout},
	vectors.Forbidden:            {0, http.StatusUnauthorized},
	Unauthenticated:              {0, http.StatusUnauthorized},
}

// rdrsReasons are what the numbers of that API stand for, in its words: clients look for them.
var rdrsReasons = map[vectors.RDRSCode]string{
	vectors.RDRSUnknownView:    "Feature view does not exist.",
	vectors.RDRSUnknownStore:   "Feature store does not exist.",
	vectors.RDRSDeletedGroup:   "Feature group does not exist.",
	vectors.RDRSUnreadableView: "Reading feature view failed.",
	10:                         "Wrong data type.",
	11:                         "Feature does not exist.",
	12:                         "Incorrect primary key.",
	14:                         "Reading from db failed.",
	18:                         "Reading from db failed.",
	19:                         "Deserialising complex feature failed.",
}

// rdrsTexts are the errors that are told by a sentence alone, in that API's words.
var rdrsTexts = map[vectors.RDRSCode]string{
	vectors.RDRSWrongPassedCount: "Length of passed feature does not equal to that of the entries provided in the request.",
	vectors.RDRSNoEntry:          "No primary key is given.",
}

// isRDRS reports whether a route is of the API of RonDB's REST server.
func (r route) isRDRS() bool { return r >= routeRDRSVector && r <= routeRDRSHealth }

// sendRDRS makes the problem the response the way of RonDB's REST server.
func (p *problem) sendRDRS(resp *fasthttp.Response) {
	e, known := rdrsErrors[p.Code]
	if !known {
		p.send(resp)
		return
	}
	p.Status = e.status
	resp.SetStatusCode(e.status)
	p.sendHeaders(resp)
	if p.rdrs != 0 {
		e.code = p.rdrs
	}
	if reason, numbered := rdrsReasons[e.code]; numbered {
		resp.Header.SetContentType("application/json")
		resp.SetBodyRaw(rdrsBody(e.code, reason, p.Detail))
		return
	}
	resp.Header.SetContentType("text/plain; charset=utf-8")
	resp.SetBodyString(p.rdrsText())
}

func rdrsBody(code vectors.RDRSCode, reason, message string) []byte {
	body, err := json.MarshalWithOption(struct {
		Code    vectors.RDRSCode `json:"code"`
		Reason  string           `json:"reason"`
		Message string           `json:"message"`
	}{code, reason, message}, json.DisableHTMLEscape())
	if err != nil {
		panic(err) // strings and integers always encode
	}
	return body
}

// rdrsText is what a problem without a number says.
func (p *problem) rdrsText() string {
	text, fixed := rdrsTexts[p.rdrs]
	switch {
	case fixed:
		return text
	case p.Status == http.StatusUnauthorized:
		return p.Detail
	case p.Field == "":
		return "Error:" + p.Detail
	case p.Entry != nil:
		return "Error:Field validation: " + p.Field + " of entry " + strconv.Itoa(*p.Entry) + " " + p.Detail
	}
	return "Error:Field validation: " + p.Field + " " + p.Detail
}

// answerRDRS answers the routes of that API that read nothing.
func (s *Server) answerRDRS(ctx *fasthttp.RequestCtx, r route) *problem {
	if len(ctx.Request.Body()) > 0 {
		if r == routeRDRSPing {
			return newProblem(vectors.InvalidValue, "Ping Request should be empty")
		}
		return newProblem(vectors.InvalidValue, "Health Request should be empty")
	}
	ctx.Response.Header.SetContentType("text/plain; charset=utf-8")
	if r == routeRDRSHealth {
		ctx.SetBodyString("1")
		if s.ready() != nil {
			ctx.SetBodyString("0")
		}
	}
	return nil
}
