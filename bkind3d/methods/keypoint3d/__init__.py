"""Keypoint3D (Chen et al. 2021): keypoints in 3D from reconstructing all views, without anything of reinforcement learning."""
