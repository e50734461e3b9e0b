"""The storage that finished logs lie in: where Bitbucket's redirect may lead, and where not.

What goes there carries no `Authorization`; the link itself is signed, so it is shown to nobody.
"""

from __future__ import annotations

from service import addresses
from service.addresses import BadTarget, Target


async def checked(link: str, *, allow_private: bool) -> Target:
    """Raises BadTarget unless the link is https to a public address, or PENSTOCK_ALLOW_PRIVATE_TARGETS lets it be."""
    try:
        return await addresses.checked(link, allow_private=allow_private)
    except BadTarget as error:
        raise BadTarget(f"the log is said to lie elsewhere, which is not followed: {error}") from None
