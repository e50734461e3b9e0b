"""A generated file meets one that people edit: what they wrote stays, what Penstock decided anew comes in.

Three texts go in: the one that Penstock last brought, the one that is in the repository, the one to bring now. Where
both sides changed the same thing, the repository's stays and the disagreement is told; nothing is resolved by force.
"""

from service.merging.files import Conflict, Merged, merge
from service.merging.lines import merge_lines

__all__ = ["Conflict", "Merged", "merge", "merge_lines"]
