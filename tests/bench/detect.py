"""How long it takes to say what a repository holds, once its files are in memory."""

from __future__ import annotations

from statistics import median, quantiles
from time import process_time

from service.projects.detector import detect
from service.projects.keyfiles import wanted
from tests.projects.test_composition import CASES
from tests.projects.test_hard_cases import ONE_TYPE
from tests.projects.test_kinds import PLAIN

ROUNDS = 20
PADDING = {f"src/part{i // 30}/module{i}.ts": "" for i in range(600)}  # as many files as a usual repository has


def main(argv: list[str]) -> int:
    """Print the median and the slowest twentieth over the trees of the tests, each padded to a usual size."""
    trees = [files for group in (PLAIN, ONE_TYPE, CASES) for files, *_ in group.values()]
    taken = [milliseconds for files in trees for milliseconds in measure({**PADDING, **files})]
    print(f"detect: {len(trees)} trees, median {median(taken):.2f} ms, p95 {quantiles(taken, n=20)[-1]:.2f} ms of CPU")
    return 0


def measure(files: dict[str, str | bytes]) -> list[float]:
    """The milliseconds of `ROUNDS` analyses of one tree."""
    contents = {path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()}
    key_files = {path: contents[path] for path in wanted(contents)}
    return [_one(list(contents), key_files) for _ in range(ROUNDS)]


def _one(paths: list[str], key_files: dict[str, bytes]) -> float:
    started = process_time()
    detect(paths, key_files)
    return (process_time() - started) * 1000
