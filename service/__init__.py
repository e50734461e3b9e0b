"""Penstock: the control room for Bitbucket Pipelines that a team hosts itself."""

__version__ = "0.1.0"
