# Builds with everything, runs with what the program needs.
FROM {{ image }} AS build
WORKDIR /app
COPY . .
RUN {{ install }}
{% for command in build %}
RUN {{ command }}
{% endfor %}

FROM {{ image }}
ENV NODE_ENV=production PORT={{ port }}
WORKDIR /app
COPY --from=build --chown=1000:1000 /app ./
USER 1000:1000
EXPOSE {{ port }}
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT).then(r => process.exit(r.status < 500 ? 0 : 1), () => process.exit(1))"]
CMD {{ command }}
