"""Learnable triangulation (Iskakov et al. 2019): joints from a volume of features, or from heatmaps and weighted triangulation."""
