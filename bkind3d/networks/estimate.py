"""What a network says of the points of a batch of moments."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Estimate:
    """Points and how sure they are.

    Attributes
    ----------
    positions : world units.
    spreads : world units; root of the trace of each heatmap's covariance.
    confidences : in [0, 1]; share of a heatmap within a tenth of the cube's side of its mean.
    """

    positions: Float[Tensor, "batch point 3"]
    spreads: Float[Tensor, "batch point"]
    confidences: Float[Tensor, "batch point"]
