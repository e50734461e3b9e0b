# Compiles in one stage; the other holds the program alone.
FROM golang:{{ version }}-bookworm AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -o /out/server .

FROM debian:bookworm-slim
ENV PORT={{ port }}
COPY --from=build /out/server /usr/local/bin/server
USER 10001:10001
EXPOSE {{ port }}
CMD ["/usr/local/bin/server"]
