"""What happens after the answer: leased work, done in the background."""
