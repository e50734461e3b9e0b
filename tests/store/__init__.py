"""The store: every question is asked of both databases."""
