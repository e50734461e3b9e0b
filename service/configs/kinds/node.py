"""Node servers under PM2: Express, Nest, Nuxt, SvelteKit, plain Node."""

from __future__ import annotations

import json
import re
import shlex

from service.configs import grammar
from service.configs.commands import script_items
from service.configs.plan import RELEASE_ARTIFACT, Decision, Plan, Site, Work
from service.configs.toolchains import Part, inside, javascript
from service.projects.tree import resolve

DEFAULT_PORT = 3000
_NODE_FILE = re.compile(r"node ([A-Za-z0-9_./-]+)")
_DEFAULT_START = {"nestjs": "node dist/main.js", "nuxt": "node .output/server/index.mjs", "sveltekit": "node build"}
_PRUNE = {
    "npm": "npm prune --omit=dev",
    "pnpm": "pnpm prune --prod",
    "yarn": "yarn install --production --ignore-scripts --prefer-offline",
}


def plan(part: Part) -> Plan:
    """Build and prune in one step; PM2 runs two workers and reloads them one after the other."""
    program, command = program_of(part)
    return Plan(
        builds=(build(part),),
        checks=javascript.checks(part),
        deploy_image=javascript.image(part),
        install="pm2",
        run="pm2",
        site=Site(proxied=True),
        port=part.port or DEFAULT_PORT,
        values=run_values(program, command, app_dir=inside(part)),
        decisions=(*javascript.decisions(part), *decisions(part, program)),
    )


def build(part: Part, *, name: str = "Build", artifact: str = RELEASE_ARTIFACT) -> Work:
    """Install, build, drop what only the build needed, pack the rest."""
    items = (
        *javascript.install(part),
        *javascript.build_items(part),
        *back_to_lock(part),
        *prune(part),
        f"tar --exclude-vcs -czf /tmp/{artifact} .",
        f'mv /tmp/{artifact} "$BITBUCKET_CLONE_DIR/{artifact}"',
    )
    return Work(
        name=name, image=javascript.image(part), script=items, caches=(javascript.cache(part),), artifact=artifact
    )


def back_to_lock(part: Part) -> tuple[str, ...]:
    """The item that leaves the part for the directory of its lock file, where node_modules lies; none if it is one."""
    up = inside(part)
    return () if up == "." else (shlex.join(["cd", "/".join([".."] * len(up.split("/")))]),)


def prune(part: Part) -> tuple[str, ...]:
    """The item that drops what only the build needed, where the package manager can."""
    command = _PRUNE.get(javascript.manager(part))
    return (command,) if command else ()


def program_of(part: Part) -> tuple[dict[str, object], str]:
    """What PM2 runs, and the command that starts the same program as a candidate.

    A file that node runs may be a cluster; whatever a script of package.json starts is one process.
    """
    start = part.start_command or _DEFAULT_START.get(part.type) or f"{javascript.manager(part)} start"
    file = _NODE_FILE.fullmatch(start)
    if file:
        path = _packed("start_command", part, file[1])
        return {"script": path, "exec_mode": "cluster", "instances": 2}, f"node {shlex.quote(path)}"
    items = script_items("start_command", start)
    command = items[0] if len(items) == 1 else shlex.join(["bash", "-e", "-c", start])
    words = shlex.split(command)
    return {"script": words[0], "args": words[1:], "interpreter": "none", "exec_mode": "fork"}, command


def _packed(field: str, part: Part, path: str) -> str:
    """A path from the part to a file that goes along: Nx builds beside the part, below the directory of the lock file,
    which is packed whole. Raises InvalidValue for one further out."""
    grammar.relative_path(field, resolve(inside(part), path) or path)
    return path


def run_values(program: dict[str, object], command: str, app_dir: str = ".") -> dict[str, object]:
    """What the templates of PM2 need."""
    return {
        "answers_as": "application",
        "app_dir": app_dir,
        "site_dir": None,
        "program": json.dumps(program, indent=2),
        "start_command": command,
        "start_environment": "NODE_ENV=production HOSTNAME=127.0.0.1",
    }


def decisions(part: Part, program: dict[str, object]) -> tuple[Decision, ...]:
    """Why PM2 runs it this way."""
    mode = str(program["exec_mode"])
    why = (
        "two workers, reloaded one after the other without losing a request"
        if mode == "cluster"
        else "the start command is no plain `node file`; the candidate answers while the one process restarts"
    )
    return (
        Decision(
            "start_command",
            part.start_command or "assumed",
            "how the program is started",
            "package.json: scripts.start",
        ),
        Decision("process", f"pm2 {mode}", why, "ecosystem.config.cjs below templates/pm2"),
        Decision("environment_port", "PORT", "the program must listen on the port in $PORT", "--port"),
    )
