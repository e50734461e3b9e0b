"""Next.js under PM2, as a standalone bundle where the project makes one."""

from __future__ import annotations

import shlex

from service.configs.kinds import node, static
from service.configs.plan import RELEASE_ARTIFACT, Decision, Plan, Site, Work
from service.configs.toolchains import Part, inside, javascript

# The standalone server has no static files of its own: without the two copies its pages come without scripts.
_BUNDLE = """\
mkdir -p /tmp/bundle
if [ -f .next/standalone/server.js ]; then
  cp -R .next/standalone/. /tmp/bundle/
  mkdir -p /tmp/bundle/.next
  cp -R .next/static /tmp/bundle/.next/static
  if [ -d public ]; then
    cp -R public /tmp/bundle/public
  fi
else
  echo "next.config has no output: 'standalone'; the release carries the whole node_modules"
  npm prune --omit=dev
  rm -rf .next/cache
  cp -R . /tmp/bundle/
  rm -rf /tmp/bundle/.git
  printf "require('next/dist/bin/next');\\n" > /tmp/bundle/server.js
fi
"""


# With the lock file above the application, the standalone tree begins there too, and node_modules lies apart.
_WORKSPACE_BUNDLE = """\
if [ ! -f .next/standalone/{inside}/server.js ]; then
  echo "in a workspace, next.config needs output: 'standalone' and outputFileTracingRoot: where the lock file lies" >&2
  exit 1
fi
mkdir -p /tmp/bundle
cp -R .next/standalone/. /tmp/bundle/
cp -R .next/static /tmp/bundle/{inside}/.next/static
if [ -d public ]; then
  cp -R public /tmp/bundle/{inside}/public
fi
"""


def plan(part: Part) -> Plan:
    """Build, bundle, run two workers; an exported site is files."""
    if is_exported(part):
        return static.plan(part)
    started, command = program()
    return Plan(
        builds=(build(part),),
        checks=javascript.checks(part),
        deploy_image=javascript.image(part),
        install="pm2",
        run="pm2",
        site=Site(proxied=True),
        port=part.port or node.DEFAULT_PORT,
        values=node.run_values(started, command, app_dir=inside(part)),
        decisions=(
            *javascript.decisions(part),
            Decision(
                "bundle",
                "standalone",
                "a tenth of node_modules; used when next.config says output: 'standalone'",
                "next.config",
            ),
            Decision(
                "process",
                "pm2 cluster",
                "two workers, reloaded one after the other without losing a request",
                "templates/pm2/ecosystem.config.cjs",
            ),
            Decision(
                "build_variables",
                "NEXT_PUBLIC_*",
                "fixed when building; all others are read when running",
                "name of the variable",
            ),
        ),
    )


def is_exported(part: Part) -> bool:
    """Whether the build leaves files that any web server serves."""
    return part.output_dir not in (None, ".next", ".next/standalone")


def program() -> tuple[dict[str, object], str]:
    """What PM2 runs, and the command that starts the same program as a candidate."""
    started: dict[str, object] = {"script": "server.js", "args": ["start"], "exec_mode": "cluster", "instances": 2}
    return started, "node server.js start"


def build(part: Part, *, name: str = "Build", artifact: str = RELEASE_ARTIFACT) -> Work:
    """Install, build, put the bundle together, pack it."""
    items = (
        *javascript.install(part),
        *javascript.build_items(part, javascript.run_script(part, "build")),
        _bundle(part),
        f'tar -czf "$BITBUCKET_CLONE_DIR/{artifact}" -C /tmp/bundle .',
    )
    return Work(
        name=name, image=javascript.image(part), script=items, caches=(javascript.cache(part),), artifact=artifact
    )


def _bundle(part: Part) -> str:
    where = inside(part)
    return _BUNDLE if where == "." else _WORKSPACE_BUNDLE.replace("{inside}", shlex.quote(where))
