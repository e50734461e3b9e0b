"""Telling people: what of the log is worth a message, to whom it goes, and how it reads. No I/O."""
