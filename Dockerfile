# syntax=docker/dockerfile:1
# The image of ifmatch: the program, the certificates it trusts, and nothing else.
# See docs/running.md.

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS=linux
ARG TARGETARCH=amd64
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w" -o /out/ifmatch ./cmd/ifmatch
RUN mkdir /out/data

FROM scratch
LABEL org.opencontainers.image.title="ifmatch" \
      org.opencontainers.image.source="https://github.com/ifmatch/ifmatch" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/ifmatch /ifmatch
# A volume that is new takes over who owns the folder that it lies on.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV IFMATCH_LISTEN=0.0.0.0:8080 \
    IFMATCH_STORE=sqlite:/data/ifmatch.db
VOLUME ["/data"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/ifmatch", "health"]
ENTRYPOINT ["/ifmatch"]
CMD ["serve"]
