"""What a cluster offers, and how this workflow is told to use it."""
