"""The fly: dm_control's fruit fly of three millimetres, which stands, walks, turns, rubs its forelegs and spreads a wing."""

from bkind3d.simulation.fly.body import FRONT, JOINTS, build_spec
from bkind3d.simulation.fly.motion import BEHAVIOURS, move

__all__ = ["BEHAVIOURS", "FRONT", "JOINTS", "build_spec", "move"]
