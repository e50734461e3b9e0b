"""The nginx files of one environment: the site, what stands in before its certificate exists, the catch-all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from service.configs.nginx.fragments import Directives, Fragments
from service.configs.nginx.tree import Directive, block, directive
from service.configs.plan import Site

ACME_ROOT = "/var/www/letsencrypt"
FOREVER = "public, max-age=31536000, immutable"
FILE_ENDINGS = "css|js|mjs|map|json|txt|xml|ico|png|jpe?g|gif|svg|webp|avif|woff2?|ttf|otf|eot|wasm|mp4|webm|pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a site is: its host name, the directory of its releases on the server, its loopback ports.

    `pages_…` are those of the program that renders pages, `inner_…` those at which nginx hands its questions on to the
    application; only sites with such a program have them.
    """

    host: str
    app_name: str
    deploy_path: str
    port: int
    candidate_port: int
    site_candidate_port: int
    ssl: bool
    pages_port: int = 0
    pages_candidate_port: int = 0
    inner_port: int = 0
    inner_candidate_port: int = 0

    @property
    def word(self) -> str:
        """The prefix of names that nginx wants unique on a machine."""
        return self.app_name.replace("-", "_")


def site_tree(site: Site, place: Place, parts: Fragments) -> Directives:
    """The whole site: upstream, redirect to https with the ACME challenge, the site itself, the candidate's server."""
    tree: list[Directive] = [*_upstream(site, place)]
    content = _content(site, place, parts, live=True)
    if place.ssl:
        tree.append(block("server", inside=(*_listen_plain(place), _acme(), _redirect(place))))
        tree.append(block("server", inside=(*_tls_head(place, parts), *_limits(), *parts.headers, *content)))
    else:
        tree.append(block("server", inside=(*_listen_plain(place), _acme(), *_limits(), *parts.headers, *content)))
    if site.files_dir is not None:
        tree.append(_candidate_server(site, place, parts))
    if site.pages:
        tree += [_inner_server(place, parts, live=live) for live in (True, False)]
    return tuple(tree)


def bootstrap_tree(place: Place) -> Directives:
    """A site that answers the ACME challenge alone, for the time before the first certificate."""
    unavailable = block("location", "/", inside=[directive("return", "503")])
    return (block("server", inside=(*_listen_plain(place), _acme(), unavailable)),)


def catch_all_tree(parts: Fragments) -> Directives:
    """The server for names that no site has; one on a machine.

    It carries the TLS settings because nginx takes the protocol versions of a socket from its default server.
    """
    plain = block(
        "server",
        inside=(
            directive("listen", "80", "default_server"),
            directive("listen", "[::]:80", "default_server"),
            directive("server_name", "_"),
            directive("return", "444"),
        ),
    )
    listen = parts.ssl_listen("443", "[::]:443", default=True)
    name = directive("server_name", "_")
    reject = directive("ssl_reject_handshake", "on")
    return plain, block("server", inside=(*listen, *parts.http2(), name, *parts.tls, reject))


def _upstream(site: Site, place: Place) -> Iterable[Directive]:
    if not site.proxied:
        return
    ports = {"app": (place.port, place.candidate_port)}
    if site.pages:
        ports["pages"] = (place.pages_port, place.pages_candidate_port)
    for name, (port, candidate) in ports.items():
        yield block(
            "upstream",
            f"{place.word}_{name}",
            inside=(
                # Always tried first; the candidate answers while the service restarts, even if it did not a moment ago.
                directive("server", f"127.0.0.1:{port}", "max_fails=0"),
                directive("server", f"127.0.0.1:{candidate}", "backup", "max_fails=0"),
                directive("keepalive", "32"),
            ),
        )
    upgrade = (directive("default", "upgrade"), directive("''", ""))
    yield block("map", "$http_upgrade", f"${place.word}_connection", inside=upgrade)


def _listen_plain(place: Place) -> Directives:
    return directive("listen", "80"), directive("listen", "[::]:80"), directive("server_name", place.host)


def _acme() -> Directive:
    inside = (directive("root", ACME_ROOT), directive("default_type", "text/plain"))
    return block("location", "^~", "/.well-known/acme-challenge/", inside=inside)


def _redirect(place: Place) -> Directive:
    # A fixed name: $host would let a request choose where it is sent.
    return block("location", "/", inside=[directive("return", "301", f"https://{place.host}$request_uri")])


def _tls_head(place: Place, parts: Fragments) -> Directives:
    certificate = f"/etc/letsencrypt/live/{place.host}"
    return (
        *parts.ssl_listen("443", "[::]:443"),
        *parts.http2(),
        directive("server_name", place.host),
        directive("ssl_certificate", f"{certificate}/fullchain.pem"),
        directive("ssl_certificate_key", f"{certificate}/privkey.pem"),
        *parts.tls,
    )


def _limits() -> Directives:
    return (
        directive("server_tokens", "off"),
        directive("client_max_body_size", "20m"),
        directive("client_header_timeout", "15s"),
        directive("client_body_timeout", "30s"),
        directive("send_timeout", "60s"),
    )


def _candidate_server(site: Site, place: Place, parts: Fragments) -> Directive:
    listen = directive("listen", f"127.0.0.1:{place.site_candidate_port}")
    name = directive("server_name", place.host)
    # Only the activation script asks here, so neither headers nor compression matter.
    bare = replace(parts, headers=(), compression=())
    return block("server", inside=(listen, name, *_content(site, place, bare, live=False)))


def _inner_server(place: Place, parts: Fragments, *, live: bool) -> Directive:
    """Where the program that renders pages finds the application, also while that restarts.

    The application is asked under the site's own name, as browsers ask it.
    """
    told = {"$host": place.host, "$scheme": "https" if place.ssl else "http"}
    proxy = [replace(one, args=tuple(told.get(argument, argument) for argument in one.args)) for one in parts.proxy]
    connection = directive("proxy_set_header", "Connection", f"${place.word}_connection")
    to = directive("proxy_pass", _application(place, live=live))
    listen = directive("listen", f"127.0.0.1:{place.inner_port if live else place.inner_candidate_port}")
    inside = (listen, directive("server_name", place.host), *_limits())
    return block("server", inside=(*inside, block("location", "/", inside=(*proxy, connection, to))))


def _application(place: Place, *, live: bool) -> str:
    return f"http://{place.word}_app" if live else f"http://127.0.0.1:{place.candidate_port}"


def _content(site: Site, place: Place, parts: Fragments, *, live: bool) -> Directives:
    link = f"{place.deploy_path}/{'current' if live else 'candidate'}"
    revision = _cached(
        "no-store", parts, directive("alias", f"{link}/REVISION"), directive("default_type", "text/plain")
    )
    common: list[Directive] = [
        *parts.compression,
        block("location", "=", "/release.txt", inside=revision),
        block("location", "~", r"/\.(?!well-known/)", inside=[directive("deny", "all")]),
    ]
    if site.files_dir is not None:
        common[:0] = [directive("root", _join(link, site.files_dir)), directive("index", "index.html")]
        common += _files(site, parts)
    if site.proxied:
        common += _proxied(site, place, parts, live=live)
    common += _aliases(site, place)
    return tuple(common)


def _files(site: Site, parts: Fragments) -> Iterable[Directive]:
    missing = directive("try_files", "$uri", "=404")
    if site.assets.prefix:
        yield block("location", "^~", site.assets.prefix, inside=_cached(FOREVER, parts, missing))
    if site.assets.pattern:
        yield block("location", "~", site.assets.pattern, inside=_cached(FOREVER, parts, missing))
    # A missing file is a 404: a start page in its place would be cached and run as a script.
    yield block("location", "~*", rf"\.(?:{FILE_ENDINGS})$", inside=_cached("no-cache", parts, missing))
    fallback = ("/index.html",) if site.fallback == "spa" else ("$uri.html", "=404")
    page = directive("try_files", "$uri", "$uri/", *fallback)
    yield block("location", "/", inside=_cached("no-cache", parts, page))


def _cached(how_long: str, parts: Fragments, *inside: Directive) -> Directives:
    # add_header here hides those of the server block, so they are repeated.
    return (*inside, directive("add_header", "Cache-Control", how_long, "always"), *parts.headers)


def _proxied(site: Site, place: Place, parts: Fragments, *, live: bool) -> Iterable[Directive]:
    connection = directive("proxy_set_header", "Connection", f"${place.word}_connection")
    proxy = (*parts.proxy, connection, directive("proxy_pass", _application(place, live=live)))
    if site.pages:
        pages = directive("proxy_pass", f"http://{place.word}_pages")
        yield block("location", "/", inside=(*parts.proxy, connection, pages))
    for prefix in site.proxy_prefixes:
        # ^~ where files are served too: their rules by ending would take /api/report.pdf away from the application.
        modifier = ("^~",) if site.files_dir is not None else ()
        yield block("location", *modifier, prefix, inside=proxy)
    if site.static_dir is not None:
        root = directive("root", _join(f"{place.deploy_path}/{'current' if live else 'candidate'}", site.static_dir))
        files = _cached("public, max-age=3600", parts, root, directive("try_files", "$uri", "@application"))
        yield block("location", "^~", "/static/", inside=files)
        yield block("location", "@application", inside=proxy)


def _aliases(site: Site, place: Place) -> Iterable[Directive]:
    for prefix, target in site.aliases:
        yield block("location", "^~", prefix, inside=[directive("alias", f"{place.deploy_path}/{target}/")])


def _join(link: str, inside: str) -> str:
    return link if inside == "." else f"{link}/{inside}"
