"""Texts people want to read and change. A package only so that importlib.resources finds them wherever they are installed."""
