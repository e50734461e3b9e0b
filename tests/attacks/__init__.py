"""Attacks on the webhook door, each named by its row of the threat model; after each one a probe must get through."""
