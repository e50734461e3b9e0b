"""Whose certificates count: everybody's public ones, read once a process."""

from __future__ import annotations

import ssl

from service.client.exchange import public_trust


def test_certificates_are_read_once_and_always_asked_for() -> None:
    trust = public_trust()

    assert trust is public_trust()
    assert (trust.verify_mode, trust.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert trust.cert_store_stats()["x509_ca"] > 0
