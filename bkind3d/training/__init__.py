"""In which order: the training loop."""
