"""The client of Bitbucket Cloud, against the simulator and against a peer that misbehaves."""
