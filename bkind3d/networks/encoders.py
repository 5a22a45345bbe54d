"""Image encoders: one network that looks at every view, with feature maps at one or several resolutions.

The networks are those of ``transformers``, reached through ``AutoBackbone``: another one is a row of :data:`ENCODERS`; and
EfficientNet-Lite0, whose published weights can be had without the hub. An encoder always is in evaluation mode, though it
learns: batch normalisation would tie the samples of a batch together, so with published weights it keeps its published
statistics, and a network that starts from random weights has group normalisation in its place; dropout and random positions
would make a step depend on more than its seed.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import MODEL_FOR_BACKBONE_MAPPING, AutoBackbone, AutoConfig, PreTrainedConfig
from transformers.utils.hub import cached_file

from bkind3d.config import HUB_PREFIX, PACKAGED_ENCODER, InputError
from bkind3d.networks import efficientnet
from bkind3d.networks.volume_network import normalisation

# Weights that are missing are refused here; those that are not needed, the classifier's, are told by nobody.
logging.getLogger("transformers.modeling_utils").setLevel(logging.ERROR)

_VIT_SMALL = MappingProxyType({"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6})

#: What makes each encoder, as in the configuration that lies beside its published weights: the architectures of He et al.
#: 2016, table 1, with the stride in the 3x3 convolution; DINOv2 (Oquab et al. 2023), DINOv3 (Simeoni et al. 2025).
ENCODERS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "resnet18": {"model_type": "resnet", "depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512], "layer_type": "basic"},
        "resnet50": {"model_type": "resnet", "depths": [3, 4, 6, 3], "hidden_sizes": [256, 512, 1024, 2048], "layer_type": "bottleneck"},
        "resnet152": {"model_type": "resnet", "depths": [3, 8, 36, 3], "hidden_sizes": [256, 512, 1024, 2048], "layer_type": "bottleneck"},
        "dinov2-small": {"model_type": "dinov2", **_VIT_SMALL, "patch_size": 14, "image_size": 518, "mlp_ratio": 4},
        "dinov3-small": {"model_type": "dinov3_vit", **_VIT_SMALL, "patch_size": 16, "intermediate_size": 1536, "num_register_tokens": 4},
    }
)

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# A stride-2 convolution with an odd kernel looks at even pixels, so that a ResNet's cell i at stride s is centred on
# pixel s*i. The centre of that cell's area is s*i + (s - 1) / 2: 1.5 pixels off at stride 4, which a shift of the input
# by one pixel brings below half a sample of the un-projection (0.5 pixels). EfficientNet-Lite0 pads on the other side: the
# same holds from the far corner, and the input is shifted the other way.
_SHIFT = 1


class ImageEncoder(nn.Module):
    """A ResNet or EfficientNet-Lite0 without its classifier, or a vision transformer's patches.

    Parameters
    ----------
    name : a key of :data:`ENCODERS`, or efficientnet-lite0.
    pretrained : none for random weights; else ``package`` for efficientnet-lite0, and for the others a local folder, or
        ``hub:owner/name`` or ``hub:owner/name@revision``.
    load : whether the published weights are read now. A model that is about to be filled from its own checkpoint needs
        the right layers only; the hub or the folder may be out of its reach.

    Attributes
    ----------
    channels : channels of the maps, finest first.
    unit : what sides of pictures have to be multiples of, others are resampled: a transformer's patches; none for a ResNet.
    far : whether the corner cells of maps of different strides lie on each other in the far corner in place of the first.
    revision : commit of the hub that the weights came from, or the SHA-256 of the weights elsewhere; empty for random ones.

    Raises
    ------
    InputError : if the weights cannot be read, or are those of another network. There is no silent fall-back to random weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, pretrained: str = "none", load: bool = True) -> None:
        super().__init__()
        self.backbone: Any
        self.revision = ""
        self.far = name == PACKAGED_ENCODER
        self.unit: int | None = efficientnet.STRIDE if self.far else ENCODERS[name].get("patch_size")
        mean, std = ((efficientnet.MEAN,) * 3, (efficientnet.STD,) * 3) if self.far else (_IMAGENET_MEAN, _IMAGENET_STD)
        if self.far:
            self.backbone = efficientnet.EfficientNetLite0()
            if pretrained != "none" and load:
                self.revision = efficientnet.load_published(self.backbone)
        elif pretrained != "none" and load:
            self.backbone, self.revision = load_backbone(name, pretrained)
        else:
            build: Any = AutoBackbone.from_config
            self.backbone = build(choose_maps(AutoConfig.for_model(**ENCODERS[name])))
        if pretrained == "none":
            replace_batch_norms(self.backbone)
        self.channels = tuple(int(channels) for channels in self.backbone.channels)
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self.train(self.training)

    def train(self, mode: bool = True) -> "ImageEncoder":
        """Set the mode of this module; the network inside stays in evaluation mode."""
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, images: Float[Tensor, "image 3 height width"]) -> list[Float[Tensor, "image channel _ _"]]:
        """Encode pictures, each on its own; views and frames are flattened into the first axis.

        Parameters
        ----------
        images : RGB in [0, 1].

        Returns
        -------
        Feature maps with `channels` channels, finest first. A ResNet's have strides 4, 8, 16 and 32; cell i of the map at
        stride s is centred on pixel ``s * i + 1``, EfficientNet-Lite0's (the same strides) on ``s * i + s - 2``, and
        :class:`FeaturePyramid` keeps to that. A transformer has one map, whose cells share the picture evenly.
        A picture whose sides are no multiples of the `unit` is resampled to the next larger ones, edge on edge, so that
        nothing is cut off.
        """
        pixels = (images - self.mean) / self.std
        if self.unit is not None:
            size = tuple(-(-side // self.unit) * self.unit for side in images.shape[-2:])
            if size != images.shape[-2:]:
                pixels = nn.functional.interpolate(pixels, size=size, mode="bilinear", align_corners=False)
        if self.far:
            pixels = nn.functional.pad(pixels, (_SHIFT, 0, _SHIFT, 0), mode="replicate")[..., :-_SHIFT, :-_SHIFT]
        elif self.unit is None:
            pixels = nn.functional.pad(pixels, (0, _SHIFT, 0, _SHIFT), mode="replicate")[..., _SHIFT:, _SHIFT:]
        return list(self.backbone(pixels).feature_maps)


def choose_maps(config: PreTrainedConfig) -> PreTrainedConfig:
    """Ask for the maps after all four stages of a ResNet, after the last layer of a transformer, whose maps are of one size."""
    config.out_features = config.stage_names[1:] if config.model_type == "resnet" else config.stage_names[-1:]
    return config


def replace_batch_norms(module: nn.Module) -> None:
    """Put group normalisation in place of every batch normalisation inside `module`."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, normalisation(child.num_features))
        else:
            replace_batch_norms(child)


def load_backbone(name: str, source: str) -> tuple[nn.Module, str]:
    """Read the weights of encoder `name` from the folder or hub name `source`; give them with their revision.

    Without ``hub:``, nothing is looked up anywhere else but in the folder.
    """
    from_hub = source.startswith(HUB_PREFIX)
    place, _, revision = source.removeprefix(HUB_PREFIX).partition("@") if from_hub else (source, "", "")
    advice = f"give a folder with the config.json and model.safetensors of {name}, {HUB_PREFIX}owner/name, or none"
    if Path(place).is_dir() == from_hub:  # a folder would be read in place of the hub
        raise InputError(f"model.pretrained {source!r}", f"there is {'a folder' if from_hub else 'no folder'} {place!r}", advice)
    where: dict[str, Any] = {"revision": revision or "main", "local_files_only": not from_hub}
    try:
        # Everything is read at the commit of this first file, whatever happens on the hub meanwhile.
        first = Path(cached_file(place, "config.json", **where) or "")
        where["revision"] = first.parent.name if from_hub else "main"
        config = AutoConfig.from_pretrained(place, **where)
        check_architecture(config, name, source)
        # AutoBackbone.from_pretrained would ask the hub about a folder, too; the class that it would choose does not.
        architecture: Any = MODEL_FOR_BACKBONE_MAPPING[type(config)]
        backbone, report = architecture.from_pretrained(
            place, config=choose_maps(config), output_loading_info=True, use_safetensors=True, **where
        )
    except InputError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"model.pretrained {source!r}", f"no weights can be read ({reason})", advice) from None
    missing = sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"]))
    if missing:
        what = f"{len(missing)} weights of {name} are not in it, among them {missing[0]}"
        raise InputError(f"model.pretrained {source!r}", what, "give complete weights")
    return backbone, where["revision"] if from_hub else hash_weights(Path(place))


def check_architecture(config: PreTrainedConfig, name: str, source: str) -> None:
    """Refuse weights whose configuration is not that of encoder `name`."""
    for key, expected in ENCODERS[name].items():
        found = getattr(config, key, None)
        if found != expected:
            what = f"{key} is {found}, but {expected} in {name}"
            raise InputError(f"model.pretrained {source!r}", what, "change model.encoder or model.pretrained")


def hash_weights(folder: Path) -> str:
    """SHA-256 of the weights in a folder."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.glob("*.safetensors")))).hexdigest()


class FeaturePyramid(nn.Module):
    """Bring the maps of all strides together at a quarter of the image's size: the geometry features, which are un-projected.

    A feature pyramid as in cascaded pyramid networks (Chen et al. 2018), of which only the finest level is used. Channels are those of the
    encoder's maps (`channels_in`, finest first), of the geometry features (`channels_out`, 32 in the paper), and inside (`width`). Cells of the maps lie on each
    other in the first corner, or in the `far` one (:class:`ImageEncoder`).
    """

    def __init__(self, channels_in: Sequence[int], channels_out: int = 32, width: int = 256, far: bool = False) -> None:
        super().__init__()
        self.far = far

        def convolve(channels: int, *further: nn.Module) -> nn.Sequential:
            return nn.Sequential(nn.Conv2d(channels, width, 1, bias=False), normalisation(width), *further)

        self.laterals = nn.ModuleList(convolve(channels, nn.ReLU(inplace=True)) for channels in channels_in)
        self.downward = nn.ModuleList(convolve(width) for _ in channels_in[1:])
        self.predict = convolve(width, nn.ReLU(inplace=True), nn.Conv2d(width, channels_out, 1))

    def forward(self, maps: Sequence[Float[Tensor, "image channel _ _"]]) -> Float[Tensor, "image channel_out height width"]:
        """Decode the `maps` of an encoder, finest first, into geometry features of the size of the first."""
        feature = self.laterals[-1](maps[-1])
        for level in reversed(range(len(maps) - 1)):
            coarse = double_from_corner(self.downward[level](feature), (maps[level].shape[-2], maps[level].shape[-1]), self.far)
            feature = self.laterals[level](maps[level]) + coarse
        features: Tensor = self.predict(feature)
        return features


def double_from_corner(
    feature: Float[Tensor, "image channel _ _"], size: tuple[int, int], far: bool = False
) -> Float[Tensor, "image channel height width"]:
    """Double a map's resolution bilinearly so that cell i comes to lie on cell 2i: the centres of strided convolutions.

    From the `far` corner it comes to lie on cell 2i + 1, if the size is even.

    ``interpolate`` knows this grid only with a cell more on the far side, which is repeated here and cut off again.
    """
    if far:
        return double_from_corner(feature.flip(-2, -1), size).flip(-2, -1)
    height, width = feature.shape[-2:]
    padded = nn.functional.pad(feature, (0, 1, 0, 1), mode="replicate")
    doubled = nn.functional.interpolate(padded, size=(2 * height + 1, 2 * width + 1), mode="bilinear", align_corners=True)
    return doubled[..., : size[0], : size[1]]
