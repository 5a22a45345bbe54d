"""Keypoints of a session."""
