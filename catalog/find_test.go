package catalog

import (
	"errors"
	"slices"
	"testing"
)

// served has a name in two feature stores, a name with two versions, and names that begin alike.
func served() *Snapshot {
	s := &Snapshot{}
	for _, v := range []View{
		{Store: "a", Name: "churn", Version: 1},
		{Store: "a", Name: "fraud", Version: 2},
		{Store: "b", Name: "fr", Version: 1},
		{Store: "b", Name: "fraud", Version: 1},
		{Store: "b", Name: "fraud", Version: 3},
		{Store: "b", Name: "fraud_large", Version: 1},
		{Store: "c", Name: "ranking", Version: 1},
		{Store: "c", Name: "ranking", Version: 2},
	} {
		s.Views = append(s.Views, &v)
	}
	return s
}

func TestFind(t *testing.T) {
	s := served()
	tests := []struct {
		store, name string
		version     int
		want        View
	}{
		{"", "churn", 0, View{Store: "a", Name: "churn", Version: 1}},
		{"", "churn", 1, View{Store: "a", Name: "churn", Version: 1}},
		{"a", "churn", 1, View{Store: "a", Name: "churn", Version: 1}},
		{"a", "fraud", 0, View{Store: "a", Name: "fraud", Version: 2}},
		{"b", "fraud", 3, View{Store: "b", Name: "fraud", Version: 3}},
		{"b", "fr", 0, View{Store: "b", Name: "fr", Version: 1}},
		{"", "fraud_large", 0, View{Store: "b", Name: "fraud_large", Version: 1}},
		{"", "ranking", 2, View{Store: "c", Name: "ranking", Version: 2}},
	}
	for _, test := range tests {
		v, err := s.Find([]byte(test.store), []byte(test.name), test.version)
		if err != nil || v.Store != test.want.Store || v.Name != test.want.Name || v.Version != test.want.Version {
			t.Errorf("%+v: got %+v, %v", test, v, err)
		}
	}
}

func TestFindUnknown(t *testing.T) {
	s := served()
	tests := []struct {
		store, name string
		version     int
		want        string
	}{
		{"", "nothing", 0, "there is no feature view nothing"},
		{"", "", 0, "there is no feature view "},
		{"", "frau", 0, "there is no feature view frau"},
		{"b", "churn", 0, "there is no feature view churn in feature store b"},
		{"d", "churn", 1, "there is no feature view churn version 1 in feature store d"},
		{"b", "fraud", 2, "there is no feature view fraud version 2 in feature store b; its versions are 1, 3"},
		{"", "ranking", 3, "there is no feature view ranking version 3; its versions are 1, 2"},
		{"", "ranking", -1, "there is no feature view ranking; its versions are 1, 2"},
	}
	for _, test := range tests {
		v, err := s.Find([]byte(test.store), []byte(test.name), test.version)
		var unknown *UnknownViewError
		if v != nil || !errors.As(err, &unknown) || err.Error() != test.want {
			t.Errorf("%+v: got %+v, %v", test, v, err)
		}
	}
	if _, err := (&Snapshot{}).Find(nil, []byte("fraud"), 0); err == nil {
		t.Error("found a view in an empty snapshot")
	}
}

func TestFindAmbiguous(t *testing.T) {
	s := served()
	tests := []struct {
		store, name string
		version     int
		what        string
		choices     []string
		message     string
	}{
		// A version that only one store has does not tell: another store may get it tomorrow.
		{"", "fraud", 0, "featureStore", []string{"a", "b"}, "more than one feature view has this name; give featureStore, " +
			"one of a, b"},
		{"", "fraud", 3, "featureStore", []string{"a", "b"}, "more than one feature view has this name; give featureStore, " +
			"one of a, b"},
		{"b", "fraud", 0, "version", []string{"1", "3"}, "more than one feature view has this name; give version, one " +
			"of 1, " +
			"3"},
		{"", "ranking", 0, "version", []string{"1", "2"}, "more than one feature view has this name; give version, one of " +
			"1, 2"},
	}
	for _, test := range tests {
		_, err := s.Find([]byte(test.store), []byte(test.name), test.version)
		var ambiguous *AmbiguousError
		if !errors.As(err, &ambiguous) || ambiguous.What != test.what || !slices.Equal(ambiguous.Choices, test.choices) ||
			err.Error() != test.message {
			t.Errorf("%+v: got %v", test, err)
		}
	}
}

// TestFindDoesNotAllocate asks with a name too long for a copy of it to be kept on the stack.
func TestFindDoesNotAllocate(t *testing.T) {
	s := served()
	store, name := []byte("d"), []byte("transactions_of_the_last_thirty_days_by_merchant_and_country")
	s.Views = append(s.Views, &View{Store: "d", Name: string(name), Version: 1})
	if n := testing.AllocsPerRun(100, func() {
		for _, given := range [][]byte{nil, store} {
			if v, err := s.Find(given, name, 1); err != nil || v.Store != "d" {
				t.Fatal(v, err)
			}
		}
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkFind(b *testing.B) {
	s := served()
	name := []byte("ranking")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Find(nil, name, 2); err != nil {
			b.Fatal(err)
		}
	}
}
