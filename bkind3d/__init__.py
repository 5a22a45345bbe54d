"""BKinD-3D: 3D keypoints from multi-camera videos, without annotation."""

__version__ = "0.1.0"
