"""The parts of a site that hold no setting, read from templates/nginx."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import Environment

from service.configs import grammar
from service.configs.nginx.reading import read
from service.configs.nginx.tree import Directive, directive

Directives = tuple[Directive, ...]


@dataclass(frozen=True, slots=True)
class Fragments:
    """TLS profile, response headers, proxy behaviour, compression; and what depends on the server's versions."""

    tls: Directives
    headers: Directives
    proxy: Directives
    compression: Directives
    http2_on_listen: bool

    def http2(self) -> Directives:
        """`http2 on;` where nginx knows it (1.25.1 on)."""
        return () if self.http2_on_listen else (directive("http2", "on"),)

    def ssl_listen(self, *addresses: str, default: bool = False) -> Directives:
        """`listen` lines for TLS on the addresses, with http2 where it belongs there."""
        words = ("ssl", *(("http2",) if self.http2_on_listen else ()), *(("default_server",) if default else ()))
        return tuple(directive("listen", address, *words) for address in addresses)


def fragments(templates: Environment, *, nginx_version: str, openssl_version: str, hsts: bool) -> Fragments:
    """Read the fragments for a server of these versions.

    Profile: Mozilla intermediate, guideline 6.0, https://wiki.mozilla.org/Security/Server_Side_TLS. Without DHE a
    dhparam file has nothing to do, and Let's Encrypt certificates name no OCSP responder to staple from.
    """

    def part(name: str) -> Directives:
        return read(templates.get_template(f"nginx/{name}.conf").render())

    nginx = grammar.version("nginx_version", nginx_version)
    openssl = grammar.version("openssl_version", openssl_version)
    # OpenSSL refuses the whole list when it does not know one name of it.
    curves = "X25519:prime256v1:secp384r1" if openssl < (3, 5) else "X25519MLKEM768:X25519:prime256v1:secp384r1"
    tls = (*part("tls"), directive("ssl_ecdh_curve", curves))
    if nginx < (1, 23, 2):
        # Older versions never rotate the ticket key, which undoes forward secrecy.
        tls = (*tls, directive("ssl_session_tickets", "off"))
    headers = part("headers")
    if hsts:
        headers = (directive("add_header", "Strict-Transport-Security", "max-age=63072000", "always"), *headers)
    return Fragments(tls, headers, part("proxy"), part("compression"), nginx < (1, 25, 1))
