"""What a repository holds: every kind, the hard cases, hostile files."""
