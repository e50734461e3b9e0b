"""`python -m tests.bench NAME [option]…` runs the benchmark `tests/bench/NAME.py`; without a name it lists them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def names() -> list[str]:
    """The modules beside this one that have a `main(argv) -> int`."""
    modules = (path for path in Path(__file__).parent.glob("*.py") if path.stem != "__main__")
    return sorted(path.stem for path in modules if "\ndef main(" in path.read_text())


def main(argv: list[str]) -> int:
    if argv and argv[0] in names():
        return int(importlib.import_module(f"tests.bench.{argv[0]}").main(argv[1:]))
    print(f"python -m tests.bench NAME, where NAME is one of: {', '.join(names())}", file=sys.stderr)
    return 2 if argv else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
