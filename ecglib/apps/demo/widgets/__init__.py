"""What the demo looks like, without a classifier."""
