"""What kind of project a repository holds: evidence in, a detection out, no I/O."""
