"""Messages through Apprise's library: to any service that it knows, by the URL that it knows it by.

The library connects by itself, so it works in a process of its own, which lives for one message: `child.py`. What it
may do there is for `guard.py` to say. `way.py` starts it, ends it, and reads what came of it.
"""
