"""Sites that are files once they are built: React, Vue, Angular, their kin, and plain HTML."""

from __future__ import annotations

import posixpath
import shlex

from service.configs import grammar
from service.configs.commands import enter
from service.configs.plan import RELEASE_ARTIFACT, Assets, Decision, Plan, Site, Work
from service.configs.toolchains import Part, javascript

# Vite's hashed files lie under assets/, webpack's under static/, Angular's and others' carry the hash at the root.
_VITE = Assets(prefix="/assets/", carry=("./assets/*",))
_CRA = Assets(prefix="/static/", carry=("./static/*",))
_ANGULAR = Assets(
    pattern=r"-[A-Z0-9]{8}\.(?:js|css|woff2?)$", carry=("./*-????????.js", "./*-????????.css", "./media/*")
)
_OUTPUT = {"angular": "dist", "gatsby": "public", "docusaurus": "build", "eleventy": "_site", "static": "."}
_PAGES = frozenset({"gatsby", "astro", "docusaurus", "eleventy", "static", "nuxt", "nextjs"})


def plan(part: Part) -> Plan:
    """Build the files in one step; the server only unpacks them."""
    output = output_dir(part)
    site = Site(files_dir=".", fallback="pages" if part.type in _PAGES else "spa", assets=assets(part))
    return Plan(
        builds=(build(part),),
        checks=javascript.checks(part) if built(part) else (),
        deploy_image=javascript.image(part),
        install="static",
        run="static",
        site=site,
        values={"site_dir": ".", "app_dir": ".", "carry": carry(site.assets)},
        decisions=(
            *(javascript.decisions(part) if built(part) else ()),
            Decision("output_dir", output, "what the build leaves for the web server", "the build tool's own setting"),
            Decision("process", "none", "nginx serves the files; there is nothing to keep running", "--type node"),
            fallback_decision(site),
        ),
    )


def build(part: Part, *, name: str = "Build", artifact: str = RELEASE_ARTIFACT) -> Work:
    """The build step, up to one tarball: it keeps modes, links and dot files, which artifact globs do not."""
    output = shlex.quote(output_dir(part))
    pack = (
        f"test -f {output}/index.html",
        f"tar --exclude-vcs -czf /tmp/{artifact} -C {output} .",
        f'mv /tmp/{artifact} "$BITBUCKET_CLONE_DIR/{artifact}"',
    )
    if not built(part):
        return Work(name=name, image=javascript.image(part), script=(*enter(part.root), *pack), artifact=artifact)
    items = (*javascript.install(part), *javascript.build_items(part, javascript.run_script(part, "build")), *pack)
    return Work(
        name=name, image=javascript.image(part), script=items, caches=(javascript.cache(part),), artifact=artifact
    )


def built(part: Part) -> bool:
    """Whether anything has to be built."""
    return part.type != "static" or part.build_command is not None


def output_dir(part: Part) -> str:
    """The directory that the build leaves, relative to the part; it may lie beside the part, as Nx's does.

    Raises InvalidValue for one outside of the repository.
    """
    stated = part.output_dir or ("build" if assets(part) is _CRA else _OUTPUT.get(part.type, "dist"))
    root = grammar.relative_path("root", part.root)
    whole = grammar.relative_path("output_dir", posixpath.normpath(posixpath.join(root, stated)))
    return posixpath.relpath(whole, root)


def assets(part: Part) -> Assets:
    """Where the build puts files whose names carry a hash."""
    if part.type == "angular":
        return _ANGULAR
    if part.type == "static":
        return Assets()
    return _CRA if part.type == "react" and part.output_dir == "build" else _VITE


def carry(found: Assets) -> str:
    """The test of `find` for hashed files; matches nothing when there are none."""
    return " -o ".join(f"-path {shlex.quote(pattern)}" for pattern in found.carry or ("./.none",))


def fallback_decision(site: Site) -> Decision:
    """Why a path without a file is answered as it is."""
    if site.fallback == "spa":
        return Decision(
            "fallback",
            "index.html",
            "the application routes in the browser; missing files with an ending stay 404",
            "nginx",
        )
    return Decision("fallback", "404", "every page of this site is a file", "nginx")
