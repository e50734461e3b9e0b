"""The command that gets a site's certificate."""

from __future__ import annotations

import shlex

from service.configs.nginx.site import ACME_ROOT

_HEAD = """\
#!/bin/sh
# Gets the certificate, once; Debian's timer renews it. Order on a new server:
#   1. nginx/bootstrap/ as the site, nginx running: it answers the challenge on port 80
#   2. this script
#   3. nginx/ as the site, then: systemctl reload nginx
# Port 80 stays open for renewals. Try it first with --dry-run at the end of the command.
set -eu
"""
_NO_TLS = """\
#!/bin/sh
# TLS is switched off for this site (ssl_enabled), so there is no certificate to get.
set -eu
"""


def command(host: str, email: str | None) -> str:
    """One line for a shell.

    The webroot way leaves our nginx file alone; ECDSA fits the cipher list. https://eff-certbot.readthedocs.io/
    """
    words = ["sudo", "certbot", "certonly", "--webroot", "-w", ACME_ROOT, "--cert-name", host, "-d", host]
    words += ["--email", email] if email else ["--register-unsafely-without-email"]
    words += ["--agree-tos", "--no-eff-email", "--non-interactive", "--keep-until-expiring", "--key-type", "ecdsa"]
    words += ["--deploy-hook", "systemctl reload nginx"]
    return shlex.join(words)


def script(commands: tuple[str, ...]) -> str:
    """certbot.sh with a command for each host; without any it says why."""
    return _HEAD + f"sudo mkdir -p {ACME_ROOT}\n" + "\n".join(commands) + "\n" if commands else _NO_TLS
