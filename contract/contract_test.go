package contract

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-json"
)

// openAPIDocument is what the tests need of openapi.json.
type openAPIDocument struct {
	OpenAPI    string                          `json:"openapi"`
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Responses map[string]response `json:"responses"`
		Schemas   struct {
			Problem struct {
				Properties struct {
					Code struct {
						OneOf []struct{ Const, Description string }
					}
				}
			}
		}
	}
}

type operation struct {
	Responses map[string]struct {
		Ref string `json:"$ref"`
	}
}

type response struct {
	Content map[string]struct {
		Schema struct {
			AllOf []struct {
				Properties struct {
					Title  struct{ Const string }
					Status struct{ Const int }
					Code   struct{ Enum []string }
				}
			}
		}
	}
}

// problem is a problem document.
type problem struct {
	Type, Title, Code, Detail, Field, RequestID string
	Status                                      int
	Entry                                       *int
}

func parseOpenAPI(t *testing.T) openAPIDocument {
	t.Helper()
	var doc openAPIDocument
	if err := json.Unmarshal(OpenAPI(), &doc); err != nil {
		t.Fatalf("openapi.json: %v", err)
	}
	return doc
}

// problems returns the title and the codes of each status.
func (d openAPIDocument) problems(t *testing.T) (titles map[int]string, codes map[int][]string) {
	t.Helper()
	titles, codes = map[int]string{}, map[int][]string{}
	for name, r := range d.Components.Responses {
		all := r.Content["application/problem+json"].Schema.AllOf
		if len(all) != 2 {
			t.Fatalf("response %s: want allOf Problem and its status", name)
		}
		p := all[1].Properties
		titles[p.Status.Const], codes[p.Status.Const] = p.Title.Const, p.Code.Enum
	}
	return titles, codes
}

func allCases(t *testing.T) []Case {
	t.Helper()
	all, err := Cases()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestOpenAPIHasEveryCodeOnce(t *testing.T) {
	doc := parseOpenAPI(t)
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("openapi is %q, want 3.1", doc.OpenAPI)
	}
	var documented, answered []string
	for _, c := range doc.Components.Schemas.Problem.Properties.Code.OneOf {
		if c.Description == "" {
			t.Errorf("code %s has no description", c.Const)
		}
		documented = append(documented, c.Const)
	}
	_, codes := doc.problems(t)
	for _, of := range codes {
		answered = append(answered, of...)
	}
	slices.Sort(documented)
	slices.Sort(answered)
	if len(documented) == 0 || !slices.Equal(documented, answered) {
		t.Errorf("the codes of Problem and those of the responses differ:\n%v\n%v", documented, answered)
	}
	if unique := slices.Compact(slices.Clone(documented)); len(unique) != len(documented) {
		t.Errorf("a code comes twice: %v", documented)
	}
}

// TestOpenAPIReferences finds references to what is not there.
func TestOpenAPIReferences(t *testing.T) {
	var doc any
	if err := json.Unmarshal(OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	var visit func(any)
	visit = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				visit(item)
			}
		case map[string]any:
			for _, item := range v {
				visit(item)
			}
			if ref, ok := v["$ref"].(string); ok && !resolves(doc, ref) {
				t.Errorf("%s refers to nothing", ref)
			}
		}
	}
	visit(doc)
}

func resolves(doc any, ref string) bool {
	for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		object, _ := doc.(map[string]any)
		var ok bool
		if doc, ok = object[name]; !ok {
			return false
		}
	}
	return true
}

func TestCasesAreUnique(t *testing.T) {
	numbers, requests := map[string]string{}, map[string]string{}
	for _, c := range allCases(t) {
		number, _, _ := strings.Cut(c.Name, "-")
		if other, twice := numbers[number]; twice || len(number) != 3 {
			t.Errorf("%s: want a number of three digits that no other case has (%s)", c.Name, other)
		}
		numbers[number] = c.Name
		request := fmt.Sprintf("%s %s %s %s %s", c.Only, c.Method, c.Path, c.Header["X-Request-Timeout-Ms"], c.Body)
		if other, twice := requests[request]; twice {
			t.Errorf("%s and %s make the same request", other, c.Name)
		}
		requests[request] = c.Name
	}
	if len(numbers) < 60 {
		t.Errorf("%d cases, want at least 60", len(numbers))
	}
}

func TestCasesAreDocumented(t *testing.T) {
	doc := parseOpenAPI(t)
	for _, c := range allCases(t) {
		if c.Comment == "" || c.Only != "" && c.Only != "ndb" && c.Only != "mariadb" {
			t.Errorf("%s: comment %q, only %q", c.Name, c.Comment, c.Only)
		}
		if !json.Valid(c.WantBody) {
			t.Errorf("%s: the response's body is not JSON", c.Name)
		}
		op, ok := doc.operation(c)
		if !ok {
			continue
		}
		if _, ok := op.Responses[fmt.Sprint(c.Status)]; !ok {
			t.Errorf("%s: the operation is not documented to answer %d", c.Name, c.Status)
		}
	}
}

// operation finds the operation that a case's request goes to; there is none where the route or the method is wrong.
func (d openAPIDocument) operation(c Case) (operation, bool) {
	path, _, _ := strings.Cut(c.Path, "?")
	if rest, ok := strings.CutPrefix(path, "/feature-views/"); ok && strings.Count(rest, "/") == 1 {
		path = "/feature-views/{name}/{version}"
	}
	op, ok := d.Paths[path][strings.ToLower(c.Method)]
	return op, ok
}

func TestCasesSucceed(t *testing.T) {
	for _, c := range allCases(t) {
		if c.Status == http.StatusOK && c.WantHeader["Content-Type"] != "application/json" {
			t.Errorf("%s: Content-Type is %q", c.Name, c.WantHeader["Content-Type"])
		}
		if c.Status != http.StatusOK || c.Path != "/feature-vectors" {
			continue
		}
		if err := checkAnswer(c.WantBody); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

// checkAnswer checks that everything in an answer is as long as its features and its vectors demand.
func checkAnswer(body []byte) error {
	var single struct {
		Features, Types []string
		Vector          []json.RawMessage
		Status          string
		Vectors         [][]json.RawMessage
		Groups          json.RawMessage
	}
	if err := json.Unmarshal(body, &single); err == nil && single.Vector != nil {
		return sameLength(len(single.Features), len(single.Types), single.Vector)
	}
	var batch struct {
		Features, Types []string
		Vectors         [][]json.RawMessage
		Status          []string
		Groups          [][]json.RawMessage
	}
	if err := json.Unmarshal(body, &batch); err != nil {
		return err
	}
	if len(batch.Vectors) != len(batch.Status) || batch.Groups != nil && len(batch.Groups) != len(batch.Status) {
		return fmt.Errorf("%d vectors, %d statuses, %d groups", len(batch.Vectors), len(batch.Status), len(batch.Groups))
	}
	return sameLength(len(batch.Features), len(batch.Types), batch.Vectors...)
}

func sameLength(features, types int, vectors ...[]json.RawMessage) error {
	if types != 0 && types != features {
		return fmt.Errorf("%d types for %d features", types, features)
	}
	for i, v := range vectors {
		if len(v) != features {
			return fmt.Errorf("vector %d has %d values for %d features", i, len(v), features)
		}
	}
	return nil
}

func TestCasesFail(t *testing.T) {
	titles, codes := parseOpenAPI(t).problems(t)
	for _, c := range allCases(t) {
		if c.Status == http.StatusOK {
			continue
		}
		var p problem
		if err := json.Unmarshal(c.WantBody, &p); err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if !slices.Contains(codes[c.Status], p.Code) {
			t.Errorf("%s: %d is not documented to come with the code %s", c.Name, c.Status, p.Code)
		}
		if p.Type != "about:blank" || p.Status != c.Status || p.Title != titles[c.Status] || p.Detail == "" {
			t.Errorf("%s: incomplete problem document: %+v", c.Name, p)
		}
		id := "case-" + c.Name[:3]
		if p.RequestID != id || c.Header["X-Request-Id"] != id || c.WantHeader["X-Request-Id"] != id {
			t.Errorf("%s: the request id is not %s throughout", c.Name, id)
		}
		if c.WantHeader["Content-Type"] != "application/problem+json" {
			t.Errorf("%s: Content-Type is %q", c.Name, c.WantHeader["Content-Type"])
		}
		if p.Entry != nil && p.Field == "" {
			t.Errorf("%s: an entry is to blame but no field", c.Name)
		}
	}
}
