"""The one reader of the log in a process, and what it hands to subscribers."""

from service.feed.audience import Audience
from service.feed.frames import Batch, Frame
from service.feed.reader import Feed, Subscriber

__all__ = ["Audience", "Batch", "Feed", "Frame", "Subscriber"]
