"""Server-Sent Events out: endless responses, and what they tell."""

from service.web.streams.events import EventStream
from service.web.streams.streams import Streams

__all__ = ["EventStream", "Streams"]
