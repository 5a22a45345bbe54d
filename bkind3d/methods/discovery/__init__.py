"""Keypoint discovery without labels: our method, and the paper's."""
