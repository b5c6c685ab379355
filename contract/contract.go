package contract

import "embed"

//go:embed openapi.json
var openAPI []byte

//go:embed schema.sql
var schema string

//go:embed catalog.yaml
var catalogue []byte

//go:embed cases/*.txt
var cases embed.FS

// OpenAPI returns the API's description as it is served. The caller must not change it.
func OpenAPI() []byte { return openAPI }

// Catalog returns the catalogue that the cases are served from. The caller must not change it.
func Catalog() []byte { return catalogue }
