"""The HTTP API: one file per kind of thing, each with its routes."""
