"""The rat: dm_control's skinned rodent in a coat, which walks, turns, rears, grooms and rests."""

from bkind3d.simulation.rodent.body import FRONT, JOINTS, build_spec
from bkind3d.simulation.rodent.motion import move
from bkind3d.simulation.rodent.plan import BEHAVIOURS

__all__ = ["BEHAVIOURS", "FRONT", "JOINTS", "build_spec", "move"]
