"""The HTTP doors: intake, API, streams and pages."""
