"""Texts people want to read and change. A package, so that importlib.resources finds them wherever they are."""
