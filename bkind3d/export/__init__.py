"""How others read the results: keypoints in the formats of other tools, under the names that they were given."""
