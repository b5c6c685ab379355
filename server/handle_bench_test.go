package server

import (
	"bufio"
	"io"
	"testing"

	"github.com/valyala/fasthttp"
)

// exchange is one request, repeated on the same context as fasthttp does on one connection.
func exchange(s *Server) func() {
	ctx := &fasthttp.RequestCtx{}
	w := bufio.NewWriter(io.Discard)
	body := []byte(`{"featureView":"fraud","entry":{"account_id":4711}}`)
	return func() {
		ctx.Request.Reset()
		ctx.Response.Reset()
		ctx.Request.Header.SetMethod("POST")
		ctx.Request.SetRequestURI("/feature-vectors")
		ctx.Request.Header.Set(apiKeyHeader, fraudKey)
		ctx.Request.SetBodyRaw(body)
		s.headersRead(&ctx.Request.Header)
		s.handle(ctx)
		if err := ctx.Response.Write(w); err != nil {
			panic(err)
		}
	}
}

func BenchmarkHandle(b *testing.B) {
	s, err := New(Config{}, &fakeService{})
	if err != nil {
		b.Fatal(err)
	}
	run := exchange(s)
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}
