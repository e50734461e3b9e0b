"""nginx configuration as a tree of directives: built, written, read back."""
