"""What is in a file, and what is one sample."""
