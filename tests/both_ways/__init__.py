"""The service and Bitbucket, talking real HTTP to each other in both directions."""
