"""Which of npm, yarn, pnpm or bun a JavaScript project uses, with the commands that follow from it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.projects.model import Evidence
from service.projects.package import Package, package_in
from service.projects.tree import Tree, resolve

# The order in which several lock files in one directory are believed; a warning names them all.
LOCKS = (
    ("pnpm-lock.yaml", "pnpm"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("yarn.lock", "yarn"),
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
)
README = "README.md"
_CALL = re.compile(r"(?<![\w./-])(npm|yarn|pnpm|bun) (?:i|ci|install|add|run|start|build|dev|serve)\b")
_MANAGER_FIELD = re.compile(r"(npm|yarn|pnpm|bun)@\^?(\d+)")


@dataclass(frozen=True, slots=True)
class NodeManager:
    """A package manager, where its lock file lies (None: there is none) and why it was chosen."""

    name: str
    root: str
    lock: str | None
    because: Evidence | None
    berry: bool = False

    @property
    def install(self) -> str:
        """The command that installs; it freezes versions only where a lock file can hold them."""
        if self.lock is None:
            return f"{self.name} install"
        if self.name == "npm":
            return "npm ci"
        return f"{self.name} install --{'immutable' if self.berry else 'frozen-lockfile'}"

    def run(self, script: str) -> str:
        """The command that runs a script of package.json."""
        if script == "test" and self.name != "bun":
            return f"{self.name} test"
        if script == "start":
            return f"{self.name} {'run ' if self.name == 'bun' else ''}start"
        return f"{self.name} {script}" if self.name == "yarn" else f"{self.name} run {script}"

    def execute(self, command: str) -> str:
        """The command that runs an installed package's program."""
        return f"{ {'npm': 'npx', 'yarn': 'yarn', 'pnpm': 'pnpm exec', 'bun': 'bunx'}[self.name] } {command}"


def node_manager(tree: Tree, folder: str, package: Package | None) -> NodeManager:
    """The package manager for `folder`: stated, else by the nearest lock file on the way up, else by its traces."""
    lock_root, locks = _nearest_locks(tree, folder)
    stated = _stated(tree, folder, package)
    if stated:
        name, major, because = stated
        lock = next((lock for lock, manager in locks if manager == name), None)
        berry = name == "yarn" and (major >= 2 if major else _is_berry(tree, lock_root))
        return NodeManager(name, lock_root if lock else folder, lock, because, berry)
    if locks:
        lock, name = locks[0]
        if len({manager for _, manager in locks}) > 1:
            lock, name = _called(tree, lock_root, locks) or locks[0]
            tree.warn(f"several lock files in {lock_root}: {', '.join(lock for lock, _ in locks)}; {lock} is used")
        path = resolve(lock_root, lock) or lock
        return NodeManager(name, lock_root, lock, Evidence(path, f"lock file of {name}"), _is_berry(tree, lock_root))
    return _by_traces(tree, folder, package)


def _stated(tree: Tree, folder: str, package: Package | None) -> tuple[str, int | None, Evidence] | None:
    """What a `packageManager` field says, the folder's own first, then those above it."""
    candidates = [package] if package else []
    for above in parents(folder)[1:]:
        found = package_in(tree, above)
        if found:
            candidates.append(found)
    for candidate in candidates:
        match = _MANAGER_FIELD.match(candidate.manager or "")
        if match:
            return match[1], int(match[2]), Evidence(candidate.path, f"packageManager {candidate.manager}")
    return None


def _nearest_locks(tree: Tree, folder: str) -> tuple[str, list[tuple[str, str]]]:
    for above in parents(folder):
        names = tree.names(above)
        found = [(lock, manager) for lock, manager in LOCKS if lock in names]
        if found:
            return above, found
    return folder, []


def _called(tree: Tree, folder: str, locks: list[tuple[str, str]]) -> tuple[str, str] | None:
    """The lock file of the manager that is called: by the scripts, else by the Dockerfile, else by the README; None
    where none is, or more than one."""
    package = package_in(tree, folder)
    scripts = "\n".join(package.scripts.values()) if package else ""
    for source in (scripts, *(tree.text(resolve(folder, name) or "") or "" for name in ("Dockerfile", README))):
        called = {match[1] for match in _CALL.finditer(source)}
        if len(called) == 1:
            return next(((lock, manager) for lock, manager in locks if manager in called), None)
    return None


def _by_traces(tree: Tree, folder: str, package: Package | None) -> NodeManager:
    for above in parents(folder):
        if ".yarnrc.yml" in tree.names(above):
            because = Evidence(resolve(above, ".yarnrc.yml") or "", "settings of yarn 2 or newer")
            return NodeManager("yarn", above, None, because, berry=True)
        if ".yarnrc" in tree.names(above):
            return NodeManager("yarn", above, None, Evidence(resolve(above, ".yarnrc") or "", "settings of yarn 1"))
        for trace in ("pnpm-workspace.yaml", ".pnpmfile.cjs"):
            if trace in tree.names(above):
                return NodeManager("pnpm", above, None, Evidence(resolve(above, trace) or "", "settings of pnpm"))
    client = tree.json("lerna.json").get("npmClient") if "lerna.json" in tree.names(".") else None
    if client in ("yarn", "pnpm"):
        return NodeManager(client, ".", None, Evidence("lerna.json", f"npmClient {client}"))
    if package:
        for name in ("pnpm", "yarn", "bun"):
            if name in package.engines and not (name == "yarn" and "npm" in package.engines):
                return NodeManager(
                    name, folder, None, Evidence(package.path, f"engines.{name} {package.engines[name]}")
                )
        for name in ("bun", "pnpm", "yarn"):
            for script, command in package.scripts.items():
                if re.search(rf"(?:^|[\s&;|]){name}(?!\s+(?:upgrade|global|add)\b)(?:\s|$)", command):
                    return NodeManager(name, folder, None, Evidence(package.path, f"script {script} calls {name}"))
    return NodeManager("npm", folder, None, None)


def _is_berry(tree: Tree, root: str) -> bool:
    """Yarn 2 and newer write `__metadata:` at the head of the lock file, yarn 1 `# yarn lockfile v1`."""
    head = tree.text(resolve(root, "yarn.lock") or "")
    return "__metadata:" in head[:4000] if head else ".yarnrc.yml" in tree.names(root)


def parents(folder: str) -> tuple[str, ...]:
    """`folder` and every directory above it, nearest first, `.` last."""
    if folder == ".":
        return (".",)
    parts = folder.split("/")
    return (*("/".join(parts[:length]) for length in range(len(parts), 0, -1)), ".")
