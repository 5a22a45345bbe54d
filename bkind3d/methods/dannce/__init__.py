"""DANNCE (Dunn et al. 2021): joints from the colours that every camera shows at every voxel."""
