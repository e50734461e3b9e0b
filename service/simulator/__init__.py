"""A Bitbucket Cloud to play with: it speaks real HTTP and misbehaves on request."""
