"""The tethered fly: it is held by a pin above a ball, and what it walks turns the ball under it."""

from bkind3d.simulation.fly.body import BALL, BALL_TOP, FRONT, JOINTS, build_tethered_spec
from bkind3d.simulation.fly.motion import BEHAVIOURS, move_tethered

build_spec, move = build_tethered_spec, move_tethered

__all__ = ["BALL", "BALL_TOP", "BEHAVIOURS", "FRONT", "JOINTS", "build_spec", "move"]
