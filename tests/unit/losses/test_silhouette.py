import torch

from bkind3d.losses.silhouette import silhouette_error


def test_silhouette_error_ignores_absent_views_and_caps_heavy_edges() -> None:
    masks = torch.ones(1, 2, 1, 8, 8)
    maps = torch.stack([torch.full((4, 4), 3.0), torch.zeros(4, 4)])[None]
    assert silhouette_error(maps, masks, torch.tensor([[True, False]])) == 0
    assert torch.allclose(silhouette_error(maps, masks, torch.tensor([[True, True]])), torch.tensor(0.5))
