"""What finds keypoints: a folder for each method, and in `base` all that the other rooms know of one."""
