"""The real service, killed with SIGKILL wherever it writes."""
