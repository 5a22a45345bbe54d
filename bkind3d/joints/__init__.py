"""From keypoints to named joints: the regression between them, how sure its answers are, and what is measured of joints."""
