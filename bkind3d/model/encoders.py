"""Image encoders: one network that looks at every view, with feature maps at a quarter of the image and coarser.

The networks are those of ``transformers``. Batch normalisation would tie the samples of a batch together, so it never
is in use: with published weights it is frozen at its published statistics, and a network that starts from random
weights has group normalisation in its place.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import ResNetBackbone, ResNetConfig

from bkind3d.config import InputError
from bkind3d.model.volume_network import normalisation

STRIDES = (4, 8, 16, 32)
STAGES = ("stage1", "stage2", "stage3", "stage4")

#: What makes each encoder: the architectures of He et al. 2016, table 1, with the stride in the 3x3 convolution.
ENCODERS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "resnet18": {"depths": (2, 2, 2, 2), "hidden_sizes": (64, 128, 256, 512), "layer_type": "basic"},
        "resnet50": {"depths": (3, 4, 6, 3), "hidden_sizes": (256, 512, 1024, 2048), "layer_type": "bottleneck"},
    }
)

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# A stride-2 convolution with an odd kernel looks at even pixels, so that a ResNet's cell i at stride s is centred on
# pixel s*i. The centre of that cell's area is s*i + (s - 1) / 2: 1.5 pixels off at stride 4, which a shift of the input
# by one pixel brings below half a sample of the un-projection (0.5 pixels).
_SHIFT = 1


class ImageEncoder(nn.Module):
    """A ResNet without its classifier.

    Parameters
    ----------
    name : a key of :data:`ENCODERS`.
    pretrained : none for random weights; else a local folder or a hub name (``owner/name``, or ``owner/name@revision``).
    load : whether the published weights are read now. A model that is about to be filled from its own checkpoint needs
        the right layers only; the hub or the folder may be out of its reach.

    Attributes
    ----------
    channels : channels of the maps, finest first.
    revision : commit of the hub that the weights came from; empty for a local folder or random weights.

    Raises
    ------
    InputError
        If the weights cannot be read, or are those of another network. There is no silent fall-back to random weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, pretrained: str = "none", load: bool = True) -> None:
        super().__init__()
        config = ResNetConfig(**ENCODERS[name])
        config.out_features = list(STAGES)
        self.revision = ""
        if pretrained != "none" and load:
            self.backbone, self.revision = load_backbone(config, name, pretrained)
        else:
            self.backbone = ResNetBackbone(config)
        if pretrained == "none":
            replace_batch_norms(self.backbone)
        self.channels = tuple(int(channels) for channels in ENCODERS[name]["hidden_sizes"])
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_IMAGENET_STD).view(3, 1, 1), persistent=False)
        self.train(self.training)

    def train(self, mode: bool = True) -> "ImageEncoder":
        """Set the mode of all layers but batch normalisation, which keeps its published statistics."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, images: Float[Tensor, "image 3 height width"]) -> list[Float[Tensor, "image channel height width"]]:
        """Encode pictures, each on its own; views and frames are flattened into the first axis.

        Parameters
        ----------
        images : RGB in [0, 1].

        Returns
        -------
        Feature maps at strides 4, 8, 16 and 32 with `channels` channels. Cell i of the map at stride s is centred on
        pixel ``s * i + 1``; :class:`bkind3d.model.feature_pyramid.FeaturePyramid` keeps to that.
        """
        moved = nn.functional.pad((images - self.mean) / self.std, (0, _SHIFT, 0, _SHIFT), mode="replicate")[..., _SHIFT:, _SHIFT:]
        return list(self.backbone(moved).feature_maps)


def replace_batch_norms(module: nn.Module) -> None:
    """Put group normalisation in place of every batch normalisation inside `module`."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, normalisation(child.num_features))
        else:
            replace_batch_norms(child)


def load_backbone(config: ResNetConfig, name: str, source: str) -> tuple[nn.Module, str]:
    """Read the weights of encoder `name` from the folder or hub name `source`; give them with the hub's revision."""
    folder, (repository, _, revision) = Path(source), source.partition("@")
    is_folder = folder.is_dir()
    read: Any = ResNetBackbone.from_pretrained
    try:
        backbone, report = read(
            source if is_folder else repository,
            revision=revision or "main",
            local_files_only=is_folder,
            out_features=list(STAGES),
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(
            f"model.pretrained {source!r}: no weights can be read ({reason}); give a folder or hub name that holds them, or none"
        ) from None
    expected = {key: getattr(config, key) for key in ("model_type", "depths", "hidden_sizes", "layer_type")}
    found = {key: getattr(backbone.config, key, None) for key in expected}
    different = [key for key in expected if _as_tuple(expected[key]) != _as_tuple(found[key])]
    if different:
        key = different[0]
        raise InputError(
            f"model.pretrained {source!r}: {key} is {found[key]}, but {expected[key]} in {name}; change model.encoder or model.pretrained"
        )
    missing = sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"]))
    if missing:
        raise InputError(
            f"model.pretrained {source!r}: {len(missing)} weights of {name} are not in it, among them {missing[0]}; give complete weights"
        )
    return backbone, str(getattr(backbone.config, "_commit_hash", None) or "")


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else value
