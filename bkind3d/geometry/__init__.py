"""Where a point is: cameras, projection, voxel grids, alignment."""
