"""A step's log between Bitbucket and the store."""

from __future__ import annotations

import codecs

from service.masking import MASK, Masker
from service.store.logs import Progress
from service.store.steps import StepRow

# Bytes that are asked for once more with each part: where they differ, the log is another one by now.
KNOWN = 64

# What stands between a log and the one that took its place.
ANEW = b"\n[Penstock: the log at Bitbucket is another one by now; it follows from its beginning]\n"


class Reel:
    """A step's log as it is taken in: masked, whole characters only. `raw` is how far it has been read.

    `known` are the last bytes before that, as far as they are known, to ask for them once more.
    """

    def __init__(self, step: StepRow, forms: frozenset[bytes], end: bytes) -> None:
        self.raw = self._begin = step.raw_bytes
        self.known = _as_bitbucket_has_it(end)[-self.raw :] if self.raw else b""
        self.text = bytearray()
        self._forms = forms
        self._masker = Masker(forms, step.mask_state)
        self._decoder = _decoder()
        self._complete = False

    def take(self, data: bytes) -> None:
        self.raw += len(data)
        self.known = (self.known + data)[-KNOWN:]
        self._write(self._masker.feed(data))

    def end(self) -> None:
        """Nothing follows: what was held back is let go."""
        self._write(self._masker.flush(), final=True)
        self._complete = True

    def begin_anew(self) -> None:
        """Bitbucket's log is another one by now. What is stored stays, and the other follows behind it."""
        self._write(self._masker.flush(), final=True)
        self.text += ANEW
        self.raw, self.known = 0, b""
        self._masker, self._decoder = Masker(self._forms), _decoder()

    @property
    def moved(self) -> bool:
        """Whether there is anything to be written down."""
        return self._complete or bool(self.text) or self.progress.raw_bytes != self._begin

    @property
    def progress(self) -> Progress:
        """From where, and how, the next round goes on: what is held back is read once more."""
        pending = len(self._decoder.getstate()[0])
        held = 0 if self._complete else self._masker.held + pending
        return Progress(raw_bytes=self.raw - held, mask_state=self._masker.state, complete=self._complete)

    def _write(self, masked: bytes, *, final: bool = False) -> None:
        self.text += self._decoder.decode(masked, final).encode()


def _decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")("replace")


def _as_bitbucket_has_it(text: bytes) -> bytes:
    """The end of stored text in which nothing was masked or replaced."""
    for put in (MASK[:1], "\ufffd".encode()):
        text = text.rpartition(put)[2]
    return text.lstrip(bytes(range(0x80, 0xC0)))  # the rest of a character that may have been put, too
