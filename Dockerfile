# Images of Gust, for the chart in deploy/helm/gust:
#
#   docker build --target controller -t gust-controller:0.1.0 .
#   docker build --target invoker -t gust-invoker:0.1.0 .
#
# buildah and podman take the same file and flags.

# Debian 12 under whatever name it is to be had.
ARG BASE=docker.io/library/debian:12-slim
# Where the programs come from: the stage that compiles them, or an image that holds an installed tree in /usr/local.
ARG PROGRAMS=build

FROM ${BASE} AS build
COPY dev.d/packages.txt /tmp/
RUN apt-get update \
 && apt-get install -y --no-install-recommends $(sed -n '/^\[build\]/,/^$/{/^[a-z]/p}' /tmp/packages.txt)
COPY . /gust
WORKDIR /gust
# Without the tests and benchmarks, which are more than half of it.
RUN cmake --preset release -DGUST_TESTS=OFF \
 && cmake --build build/release \
 && cmake --install build/release --prefix /usr/local --strip

FROM ${PROGRAMS} AS programs

FROM ${BASE} AS runtime
COPY dev.d/packages.txt /tmp/
RUN apt-get update \
 && apt-get install -y --no-install-recommends $(sed -n '/^\[runtime\]/,/^$/{/^[a-z]/p}' /tmp/packages.txt) \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /tmp/packages.txt
COPY --from=programs /usr/local/bin/gust* /usr/local/bin/
# Among them the workers of `gust bench`.
COPY --from=programs /usr/local/share/gust /usr/local/share/gust

FROM runtime AS controller
# A number, so that Kubernetes sees that it is not root.
USER 65532:65532
ENV GUST_LISTEN=0.0.0.0:3233 GUST_INVOKER_LISTEN=0.0.0.0:3234 GUST_TRANSPORT=tls
EXPOSE 3233 3234
ENTRYPOINT ["/usr/local/bin/gust", "controller"]

# Root, who makes the sandboxes; run it privileged. Python for workers in Python, the other programs for images.
FROM runtime AS invoker
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-minimal libpython3-stdlib skopeo umoci runc \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
ENTRYPOINT ["/usr/local/bin/gust", "invoker"]
