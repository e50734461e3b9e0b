"""How the service logs: one line an event, its name first, then key=value."""

from __future__ import annotations

import logging
import sys

_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}

LONGEST = 2000


class Line(logging.Formatter):
    """`2026-03-01T09:30:00Z warning inbox.waits reason=OperationalError`, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        said = [self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"), record.levelname.lower(), record.getMessage()]
        said += [f"{key}={value}" for key, value in vars(record).items() if key not in _ORDINARY]
        text = " ".join(said).replace("\r", " ").replace("\n", " ")[:LONGEST]
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def configure(level: str) -> None:
    """Sends the log to standard error, from `level` on; libraries speak up from `warning` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Line())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("service", "handlers"):
        logging.getLogger(name).setLevel(level.upper())
