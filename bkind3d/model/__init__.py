"""Tensors to keypoints and reconstruction."""
