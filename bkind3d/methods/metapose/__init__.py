"""MetaPose (Usman et al. 2021): 3D poses and cameras from heatmaps of several views whose cameras are not known."""
