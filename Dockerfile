# Builds the server with the Swift runtime inside, and puts it where only the C libraries are.
FROM swift:6.3-bookworm AS build
# hadolint ignore=DL3008 # the distribution's security updates are wanted, not one version
RUN apt-get update \
    && apt-get install -y --no-install-recommends libmicrohttpd-dev libsqlite3-dev nettle-dev pkg-config zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Package.* ./
COPY Sources Sources
COPY Tests Tests
COPY openapi.yaml ./
RUN swift build -c release --product fibd --static-swift-stdlib -Xswiftc -use-ld=lld \
    && install -s -D "$(swift build -c release --show-bin-path)/fibd" /result/fibd

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libmicrohttpd12 libnettle8 libsqlite3-0 libstdc++6 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -m 0700 -o 65532 -g 65532 /var/lib/fibd
COPY --from=build /result/fibd /usr/local/bin/fibd
USER 65532:65532
# A container's port is reached from outside it. There are no passwords or TLS yet: publish it on trusted networks only.
ENV FIBD_LISTEN=0.0.0.0:8080 FIBD_INSECURE_LISTEN=1 FIBD_DATA_DIR=/var/lib/fibd
VOLUME /var/lib/fibd
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["fibd", "health"]
ENTRYPOINT ["fibd"]
