"""Rendered recordings whose truth is known: rigs, arenas, animals and their motion (MuJoCo lives here only)."""

import os

# MuJoCo decides how it opens a GL context when it is first imported; servers have no display.
os.environ.setdefault("MUJOCO_GL", "egl")
# One process per group of cameras uses all cores already; the threads of Mesa's rasteriser would only compete.
os.environ.setdefault("LP_NUM_THREADS", "1")
