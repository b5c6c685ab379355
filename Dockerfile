# The image holds one static binary and the roots that TLS to the database may need. The version that `rongate version`
# prints is taken from git, so the context of the build is a clone. Modules are downloaded by the build itself: `go mod
# download` would fetch several times as much, for tests.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /rongate ./cmd/rongate

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/LICENSE /LICENSE
COPY --from=build /rongate /rongate
# A number, which an orchestrator can tell from root's.
USER 65532:65532
# Vectors; health and metrics. There is no HEALTHCHECK, for want of a client in the image: /livez and /readyz are asked
# from outside.
EXPOSE 8080 8081
ENTRYPOINT ["/rongate"]
CMD ["serve", "--config", "/etc/rongate/rongate.yaml"]
