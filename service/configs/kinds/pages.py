"""Pages that a program of their own renders, in front of a backend: Next.js, Nuxt, SvelteKit, Remix."""

from __future__ import annotations

from service.configs.kinds import nextjs, node
from service.configs.plan import Decision, Work
from service.configs.toolchains import inside
from service.projects.model import Component

KINDS = frozenset({"nextjs", "nuxt", "sveltekit", "remix"})

# The second argument of the start script is the port at which nginx hands on to the backend.
_BACKEND = 'BACKEND_URL="${BACKEND_URL:-http://127.0.0.1:$2}"'


def renders(part: Component) -> bool:
    """Whether the part is a program once it is built; an exported Next.js is files."""
    return part.type in KINDS and not (part.type == "nextjs" and nextjs.is_exported(part))


def build(part: Component, *, name: str, artifact: str) -> Work:
    """As the kind is built alone."""
    builder = nextjs.build if part.type == "nextjs" else node.build
    return builder(part, name=name, artifact=artifact)


def values(part: Component, directory: str) -> dict[str, object]:
    """What the templates need to start the pages, and PM2 to run them, from `directory` of the release."""
    program, command = nextjs.program() if part.type == "nextjs" else node.program_of(part)
    made = node.run_values(program, command, app_dir=below(directory, inside(part)))
    return made | {"answers_as": "pages", "start_environment": f"{made['start_environment']} {_BACKEND}"}


def decisions(part: Component) -> tuple[Decision, ...]:
    """Why the pages are built and run this way, and where they find the backend."""
    made = nextjs.plan(part) if part.type == "nextjs" else node.plan(part)
    why = "pages rendered on the server ask the backend there, through nginx: also while the backend restarts"
    return (*made.decisions, Decision("backend_url", "BACKEND_URL", why, "BACKEND_URL in shared/.env"))


def below(directory: str, path: str) -> str:
    """A path inside the directory that a part has in the release."""
    return directory if path == "." else f"{directory}/{path}"
