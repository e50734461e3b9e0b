"""What is known of Bitbucket: tests without I/O."""
