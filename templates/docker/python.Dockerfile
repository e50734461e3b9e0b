# Wheels are made where compilers may be, and installed where they are not.
FROM {{ image }} AS build
WORKDIR /app
COPY . .
{% for command in wheels %}
RUN {{ command }}
{% endfor %}

FROM {{ image }}
ENV PYTHONUNBUFFERED=1 PORT={{ port }}
WORKDIR /app
COPY --from=build /app ./
RUN python3 -m pip install --no-cache-dir --no-index --find-links wheelhouse -r requirements.release.txt \
    && rm -rf wheelhouse
USER 10001:10001
EXPOSE {{ port }}
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python3", "-c", "import os, socket; socket.create_connection(('127.0.0.1', int(os.environ['PORT'])), 4)"]
CMD {{ command }}
