"""The simulator behaves as Bitbucket Cloud does."""
