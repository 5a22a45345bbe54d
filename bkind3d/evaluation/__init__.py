"""How good the keypoints are: regression to joints, metrics with intervals, recognition of behaviours."""
