# The wheel is built in one stage and installed in the next, so that nothing but it and its dependencies is shipped.
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY service service
COPY handlers handlers
COPY templates templates
RUN python -m venv /opt/penstock \
 && /opt/penstock/bin/pip install --no-cache-dir '.[postgres,redis,sign-in,apprise]'

FROM python:3.13-slim-bookworm
# Nobody's account: it owns its data directory and nothing else.
RUN useradd --system --uid 10001 --create-home --home-dir /data penstock
COPY --from=build /opt/penstock /opt/penstock
ENV PATH=/opt/penstock/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PENSTOCK_DATA_DIR=/data
# By number, so that a cluster can see that it is not root.
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=4s --start-period=10s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=3)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["penstock"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
