"""The doorbell between processes: it says that there is something new, never what."""
