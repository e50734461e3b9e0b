"""The workers: whatever happens to the database or to a piece of work, they go on."""
