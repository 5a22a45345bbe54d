"""The person: dm_control's humanoid in clothes, with the joints of Human3.6M, which does one of its fifteen actions in a take."""

from bkind3d.simulation.person.actions import ACTIONS
from bkind3d.simulation.person.body import FRONT, JOINTS, build_spec
from bkind3d.simulation.person.motion import move

BEHAVIOURS = tuple(ACTIONS)

__all__ = ["BEHAVIOURS", "FRONT", "JOINTS", "build_spec", "move"]
