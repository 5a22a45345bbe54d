"""Pictures and silhouettes of a MuJoCo scene, seen by the cameras of :mod:`bkind3d.geometry.cameras`."""

from typing import Self

import mujoco
import numpy as np
from jaxtyping import Float, Shaped
from numpy.typing import NDArray

from bkind3d.geometry.cameras import Camera
from bkind3d.simulation.floors import Image
from bkind3d.simulation.scenes import DRAWN_GROUPS

#: Pixels around the moving things that are drawn anew: soft edges of the shadow and of the samples.
_PAD = 5


#: Rows and columns of a part of a picture.
Window = tuple[slice, slice]


class Renderer:
    """Draws a model off screen; one per process, because a GL context belongs to its process.

    Parameters
    ----------
    model : the compiled scene; metres.
    size : (width, height) in pixels of the pictures.
    oversampling : samples per pixel along each axis; their mean is the pixel.
    """

    def __init__(self, model: mujoco.MjModel, size: tuple[int, int], oversampling: int = 2) -> None:
        self.size, self.oversampling = size, oversampling
        self._whole: Window = (slice(0, size[1]), slice(0, size[0]))
        model.vis.global_.offwidth, model.vis.global_.offheight = size[0] * oversampling, size[1] * oversampling
        self._gl = mujoco.GLContext(size[0] * oversampling, size[1] * oversampling)
        self._gl.make_current()
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._model, self._scene, self._option = model, mujoco.MjvScene(model, maxgeom=1000), mujoco.MjvOption()
        self._option.geomgroup[:] = [group in DRAWN_GROUPS for group in range(mujoco.mjNGROUP)]
        self._option.sitegroup[:] = 0
        bodies = model.geom_bodyid
        self._belongs_to_subject = (bodies > 0) & (model.body_mocapid[bodies] < 0)
        # In metres, since scenes have an extent of 1; rounded, because the model has them in 32 bits.
        self._near, self._far = (round(float(depth), 9) for depth in (model.vis.map.znear, model.vis.map.zfar))
        self._is_mirrored = bool(model.mat_reflectance.any())
        self._backgrounds: dict[str, Image] = {}

    def update(self, data: mujoco.MjData) -> None:
        """Take over the positions in `data` (once per frame, for all cameras)."""
        mujoco.mj_kinematics(self._model, data)
        mujoco.mj_camlight(self._model, data)
        self._fill_scene(data, mujoco.mjtCatBit.mjCAT_ALL)

    def render(self, camera: Camera) -> Image:
        """(height, width, 3) RGB picture by `camera`, whose world is in millimetres."""
        return (self._sample(camera, self._whole) + 0.5).astype(np.uint8)

    def keep_background(self, data: mujoco.MjData, camera: Camera) -> None:
        """Draw what never moves, once, for :meth:`render_moving` by this `camera`."""
        mujoco.mj_forward(self._model, data)
        self._fill_scene(data, mujoco.mjtCatBit.mjCAT_STATIC)
        self._backgrounds[camera.name] = self.render(camera)

    def render_moving(self, camera: Camera) -> Image:
        """The same picture as :meth:`render`, of which only the moving things and their shadows are drawn anew."""
        picture, window = self._backgrounds[camera.name].copy(), self._find_window(camera)
        picture[window] = self._sample(camera, window) + 0.5
        return picture

    def render_silhouette(self, camera: Camera) -> Image:
        """(height, width) 255 where the subject (what is not moved as a mocap body) covers at least half of a pixel, else 0."""
        flags, window, geoms = self._scene.flags, self._find_window(camera), self._scene.geoms[: self._scene.ngeom]
        for geom in geoms:
            if geom.rgba[3] < 1 and not self._belongs_to_subject[geom.objid]:
                geom.segid = -1  # not drawn: what is clear hides nobody
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 1
        samples = self._draw(camera, window).astype(np.int32)
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 0
        # The colour of an object is its number in the scene plus one, in base 256; black is no object.
        moving = np.zeros(2 + max(geom.segid for geom in geoms))
        for geom in geoms:
            is_skin = geom.objtype == mujoco.mjtObj.mjOBJ_SKIN
            moving[1 + geom.segid] = geom.segid >= 0 and (is_skin or self._belongs_to_subject[geom.objid])
        silhouette = np.zeros(self.size[::-1], np.uint8)
        share = self._mean_samples(moving[samples @ [1, 256, 65536]][..., None], window)[..., 0]
        silhouette[window] = np.where(share >= 0.5, 255, 0)
        return silhouette

    def _fill_scene(self, data: mujoco.MjData, category: mujoco.mjtCatBit) -> None:
        mujoco.mjv_updateScene(self._model, data, self._option, None, mujoco.MjvCamera(), category, self._scene)
        geoms = np.flatnonzero((self._model.geom_bodyid > 0) & np.isin(self._model.geom_group, DRAWN_GROUPS))
        reach = self._model.geom_rbound[geoms, None, None] * np.concatenate([np.eye(3), -np.eye(3)])
        # Parts of an animal hardly reach their bounding spheres; a ball under it is one.
        mocap = self._model.body_mocapid[self._model.geom_bodyid[geoms]] >= 0
        reach[mocap & (self._model.geom_type[geoms] == mujoco.mjtGeom.mjGEOM_SPHERE)] *= np.sqrt(3)
        skins = self._scene.skinvert.reshape(-1, 3)[::3] if self._scene.nskin else np.empty((0, 3))
        points = np.concatenate([(data.geom_xpos[geoms, None] + reach).reshape(-1, 3), skins])
        # Where the ray from the lamp (the first light) through each point meets the floor.
        lamp = data.light_xpos[0]
        shadows = points + (points - lamp) * (points[:, 2:] / np.maximum(lamp[2] - points[:, 2:], 0.02 * lamp[2]))
        mirrored = points * [1, 1, -1] if self._is_mirrored else points[:0]
        self._points = 1000 * np.concatenate([points, shadows, mirrored])

    def _find_window(self, camera: Camera) -> Window:
        """Part of the picture that shows the moving things and their shadows."""
        projected = np.c_[self._points, np.ones(len(self._points))] @ camera.projection.T
        if (projected[:, 2] < 1000 * self._near).any():
            return self._whole
        pixels = projected[:, :2] / projected[:, 2:]
        low, high = pixels.min(axis=0) - _PAD, pixels.max(axis=0) + _PAD + 1
        (left, top), (right, bottom) = (np.clip(corner, 0, np.array(self.size) - 1).astype(int).tolist() for corner in (low, high))
        return slice(top, bottom + 1), slice(left, right + 1)

    def _sample(self, camera: Camera, window: Window) -> Float[NDArray, "rows columns 3"]:
        """(rows, columns, 3) mean colour of the pixels of `window`."""
        return self._mean_samples(self._draw(camera, window), window)

    def _mean_samples(self, samples: Shaped[NDArray, "..."], window: Window) -> Float[NDArray, "..."]:
        (rows, columns), count = (part.stop - part.start for part in window), self.oversampling
        return samples.reshape(rows, count, columns, count, -1).mean(axis=(1, 3), dtype=np.float32)

    def _draw(self, camera: Camera, window: Window) -> Image:
        """All samples of `window`, first row on top: a frustum whose sides pass through the edges of its border pixels."""
        (fx, _, cx), (_, fy, cy), _ = camera.matrix
        tall, wide = window
        left, right = (np.array([wide.start, wide.stop]) - 0.5 - cx) / fx * self._near
        top, bottom = -(np.array([tall.start, tall.stop]) - 0.5 - cy) / fy * self._near
        for eye in self._scene.camera:
            eye.pos, eye.forward, eye.up = camera.centre / 1000, camera.rotation[2], -camera.rotation[1]
            eye.frustum_center, eye.frustum_width = (left + right) / 2, (right - left) / 2
            eye.frustum_bottom, eye.frustum_top, eye.frustum_near, eye.frustum_far = bottom, top, self._near, self._far
            eye.orthographic = 0
        columns, rows = (wide.stop - wide.start) * self.oversampling, (tall.stop - tall.start) * self.oversampling
        viewport, samples = mujoco.MjrRect(0, 0, columns, rows), np.empty((rows, columns, 3), np.uint8)
        mujoco.mjr_render(viewport, self._scene, self._context)
        mujoco.mjr_readPixels(samples, None, viewport, self._context)
        return samples[::-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Free the GL context."""
        self._context.free()
        self._gl.free()
