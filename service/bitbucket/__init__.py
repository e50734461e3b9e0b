"""What Bitbucket Cloud says and wants to hear: bytes in, values out, no I/O."""
