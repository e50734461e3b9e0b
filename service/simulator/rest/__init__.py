"""The REST side, 2.0: what `https://api.bitbucket.org/2.0` answers."""
