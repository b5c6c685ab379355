package features

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/goccy/go-json"
)

const (
	apiKeyHeader = "X-Api-Key"

	// maxDescriptionBytes bounds what a server says of its feature views.
	maxDescriptionBytes = 16 << 20
)

// What a gateway says of itself.
type (
	viewName struct {
		FeatureStore string `json:"featureStore"`
		FeatureView  string `json:"featureView"`
		Version      int    `json:"version"`
	}
	viewDocument struct {
		viewName
		ServingKeys   []struct{ Name string }
		Features      []featureDocument
		FeatureGroups []groupDocument
	}
	featureDocument struct {
		Name, Type string
		Default    json.RawMessage
	}
	keyDocument   struct{ Column, ServingKey string }
	groupDocument struct {
		Name      string
		Version   int
		Prefix    string
		Key       []keyDocument
		EventTime string
		TTLMillis int64 `json:"ttlMs"`
	}
)

func (n viewName) String() string { return fmt.Sprintf("%s/%d", n.FeatureView, n.Version) }

// A describer reads what a gateway says of its feature views.
type describer struct {
	client *http.Client
	base   string
	apiKey string
}

func newDescriber(address, apiKey string) (*describer, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{}
	base := strings.TrimSuffix(address, "/")
	if u.Scheme == "unix" {
		base = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", u.Path)
		}
	}
	return &describer{client: &http.Client{Transport: transport}, base: base, apiKey: apiKey}, nil
}

func (d *describer) close() { d.client.CloseIdleConnections() }

// views describes all feature views.
func (d *describer) views(ctx context.Context) ([]viewDocument, error) {
	var list struct{ FeatureViews []viewName }
	if err := d.get(ctx, "/feature-views", &list); err != nil {
		return nil, err
	}
	views := make([]viewDocument, len(list.FeatureViews))
	for i, name := range list.FeatureViews {
		path := fmt.Sprintf("/feature-views/%s/%d?featureStore=%s",
			url.PathEscape(name.FeatureView), name.Version, url.QueryEscape(name.FeatureStore))
		if err := d.get(ctx, path, &views[i]); err != nil {
			return nil, err
		}
		if views[i].viewName != name {
			return nil, fmt.Errorf("GET %s describes %s of %s", path, views[i].viewName, views[i].FeatureStore)
		}
	}
	return views, nil
}

func (d *describer) get(ctx context.Context, path string, document any) error {
	return d.call(ctx, http.MethodGet, path, nil, document)
}

func (d *describer) call(ctx context.Context, method, path string, body []byte, document any) error {
	request, err := http.NewRequestWithContext(ctx, method, d.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if d.apiKey != "" {
		request.Header.Set(apiKeyHeader, d.apiKey)
	}
	response, err := d.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxDescriptionBytes))
	switch {
	case err != nil:
	case response.StatusCode != http.StatusOK:
		err = fmt.Errorf("%s: %s", response.Status, shortened(answer))
	case len(answer) == 0:
		err = errors.New("an empty answer")
	default:
		err = json.Unmarshal(answer, document)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// shortened is a text for people, of what may be long.
func shortened(text []byte) string {
	const most = 300
	if len(text) > most {
		return fmt.Sprintf("%s… (%d bytes)", bytes.ToValidUTF8(text[:most], nil), len(text))
	}
	return string(text)
}
