"""The deer: a long-legged, long-necked animal of capsules, which stands, walks, trots, turns and grazes."""

from bkind3d.simulation.deer.body import FRONT, JOINTS, build_spec
from bkind3d.simulation.deer.motion import BEHAVIOURS, move

__all__ = ["BEHAVIOURS", "FRONT", "JOINTS", "build_spec", "move"]
