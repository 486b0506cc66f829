"""Renders the places of the stand-in with Panda3D's software renderer: no display, no GPU.

A renderer belongs to the thread that made it.
"""

import math

import numpy as np
from numpy.typing import NDArray
from panda3d.core import (
    Camera,
    FrameBufferProperties,
    Geom,
    GeomNode,
    GeomTriangles,
    GeomVertexData,
    GeomVertexFormat,
    GeomVertexWriter,
    GraphicsEngine,
    GraphicsOutput,
    GraphicsPipe,
    GraphicsPipeSelection,
    NodePath,
    PerspectiveLens,
    RenderState,
    SamplerState,
    Texture,
    TransformState,
    WindowProperties,
    load_prc_file_data,
)

from configs.standin import StandinConfig
from interfaces.standin.geometry.meshes import Mesh, quad
from interfaces.standin.picture.daylight import daylight, sky_colour
from interfaces.standin.picture.nameplates import plate
from interfaces.standin.picture.person import parts, swing_angles
from interfaces.standin.picture.scene import DrawnAvatar, View
from interfaces.standin.places.place import Place, Surface

_NEAR_M, _FAR_M = 0.08, 100.0
# Spheres around an avatar, for culling: height of the centre above the feet, and the radius
# without and with chat text. A line of chat can be 12 m wide.
_CENTRE_M, _BODY_M, _BUBBLE_M = 1.1, 1.8, 8.0
_PIPE = "TinyOffscreenGraphicsPipe"
_COLLECT_EVERY = 64  # pictures

load_prc_file_data(
    "yume stand-in",
    "load-display p3tinydisplay\naux-display\naudio-library-name null\nnotify-level error\n",
)


class Renderer:
    """Draws views of a place. The same view gives the same bytes."""

    def __init__(self, config: StandinConfig, place: Place) -> None:
        self._shape = (config.height, config.width)
        self._fov_deg = config.fov_deg
        self._engine = GraphicsEngine()
        self._buffer = _offscreen_buffer(self._engine, config.width, config.height)
        self._picture = Texture("picture")
        self._buffer.add_render_texture(
            self._picture, GraphicsOutput.RTM_copy_ram, GraphicsOutput.RTP_color
        )
        self._sky, self._place_light = place.sky, place.light
        self._light: tuple[float, float, float] | None = None
        self._root = NodePath("place")
        self._root.set_two_sided(False)
        if place.light != (1.0, 1.0, 1.0):
            self._set_light(place.light)
        textures: dict[int, Texture] = {}  # surfaces with the same picture share one
        # Separate nodes for still and moving things, because Panda3D recomputes the bounds of all
        # siblings of a moved node.
        still = self._root.attach_new_node("still")
        for surface in place.surfaces:
            _add_surface(still, surface, textures)
        self._moving = self._root.attach_new_node("moving")
        self._movers = [
            (mover, _add_surface(self._moving, mover.surface)) for mover in place.movers
        ]
        self._avatars: list[_AvatarNode] = []
        self._lens = PerspectiveLens()
        self._lens.set_near_far(_NEAR_M, _FAR_M)
        self._zoom, self._corner_rad = -1.0, 0.0
        self._camera = self._root.attach_new_node(Camera("eye", self._lens))
        self._buffer.make_display_region().set_camera(self._camera)
        self._pictures = 0
        # Panda3D divides by the number of states: with these two it is never zero.
        self._kept = TransformState.make_pos((0.0, 0.0, 1.0)), self._root.get_state()

    def render(self, view: View) -> NDArray[np.uint8]:
        """The picture: uint8 (height, width, 3), RGB."""
        self._aim(view)
        if self._sky:
            light = daylight(view.hour)
            r, g, b = (a * b for a, b in zip(light, self._place_light, strict=True))
            self._set_light((r, g, b))
        for mover, path in self._movers:
            x, y, z, heading_deg = mover.at(view.time_s)
            path.set_pos_hpr(x, z, y, -heading_deg, 0.0, 0.0)
        drawn = view.people if view.me is None else (*view.people, view.me)
        while len(self._avatars) < len(drawn):
            self._avatars.append(_AvatarNode(self._moving, drawn[len(self._avatars)]))
        cone = _ViewCone(view, self._corner_rad)
        for node, avatar in zip(self._avatars, drawn, strict=False):
            node.show(cone.contains(avatar))
            if node.shown:
                node.pose(avatar)
        for node in self._avatars[len(drawn) :]:
            node.show(False)
        self._engine.render_frame()
        if self._pictures % _COLLECT_EVERY == 0:
            _free_unused_states()
        self._pictures += 1
        rgb = np.frombuffer(self._picture.get_ram_image_as("RGB"), np.uint8)
        return rgb.reshape(*self._shape, 3)[::-1].copy()  # Panda3D's first row is the lowest

    def close(self) -> None:
        """Free the buffer. render() cannot be called afterwards."""
        self._engine.remove_all_windows()

    def _aim(self, view: View) -> None:
        self._camera.set_pos_hpr(
            view.x, view.z, view.y, -view.heading_deg, view.pitch_deg, view.roll_deg
        )
        if view.zoom == self._zoom:
            return
        self._zoom = view.zoom
        # The user camera's zoom is a focal length in mm; 12 mm is half the height of the film.
        tall = math.degrees(2 * math.atan(12 / view.zoom)) if view.zoom else self._fov_deg
        high, wide = self._shape
        half = math.tan(math.radians(0.5 * tall))
        self._corner_rad = math.atan(half * math.hypot(1.0, wide / high))
        self._lens.set_fov(2.0 * math.degrees(math.atan(half * wide / high)), tall)

    def _set_light(self, light: tuple[float, float, float]) -> None:
        if light == self._light:
            return
        self._light = light
        self._root.set_color_scale(*light, 1.0)
        self._buffer.set_clear_color((*sky_colour(light), 1.0))


def _free_unused_states() -> None:
    """Free the poses of earlier pictures, and the looks and textures of earlier places.

    Panda3D keeps them until this call. A call examines half of them.
    """
    RenderState.garbage_collect()
    TransformState.garbage_collect()


class _ViewCone:
    """The cone around the corners of the picture, for culling.

    Panda3D also culls, but only after every joint was moved: this is faster.
    """

    def __init__(self, view: View, corner_rad: float) -> None:
        heading, pitch = math.radians(view.heading_deg), math.radians(view.pitch_deg)
        self._x, self._y, self._z = view.x, view.y, view.z
        flat = math.cos(pitch)
        self._ahead = math.sin(heading) * flat, math.sin(pitch), math.cos(heading) * flat
        self._sine, self._cosine = math.sin(corner_rad), math.cos(corner_rad)

    def contains(self, avatar: DrawnAvatar) -> bool:
        """Whether a part of the avatar, its nameplate or its bubble may be in the picture."""
        x, y, z = avatar.x - self._x, avatar.y + _CENTRE_M - self._y, avatar.z - self._z
        ahead = x * self._ahead[0] + y * self._ahead[1] + z * self._ahead[2]
        aside = math.sqrt(max(0.0, x * x + y * y + z * z - ahead * ahead))
        reach_m = _BUBBLE_M if avatar.bubble else _BODY_M
        return aside * self._cosine - ahead * self._sine <= reach_m


class _AvatarNode:
    """One avatar in the scene, with its nameplate and bubble."""

    def __init__(self, root: NodePath, avatar: DrawnAvatar) -> None:
        self.path = root.attach_new_node(f"person {avatar.name}")
        self._joints: dict[str, NodePath] = {}
        for part in parts(avatar.look):
            joint = _add_node(self.path, part.name, part.mesh)
            joint.set_pos(*part.joint)
            self._joints[part.name] = joint
        self._bubble, self._text = None, ""
        if avatar.name:
            _add_sign(self.path, avatar.name, 1.86, bubble=False)
        self.shown = True

    def show(self, shown: bool) -> None:
        if shown != self.shown:
            self.shown = shown
            self.path.show() if shown else self.path.hide()

    def pose(self, avatar: DrawnAvatar) -> None:
        self.path.set_pos(avatar.x, avatar.z, avatar.y)
        self.path.set_h(-avatar.heading_deg)
        for name, swing_deg in swing_angles(avatar).items():
            self._joints[name].set_p(swing_deg)
        if avatar.bubble != self._text:
            if self._bubble is not None:
                self._bubble.remove_node()
            self._bubble, self._text = None, avatar.bubble
            if avatar.bubble:
                self._bubble = _add_sign(self.path, avatar.bubble, 2.1, bubble=True)


def _add_sign(parent: NodePath, text: str, at_m: float, *, bubble: bool) -> NodePath:
    """A text plate that always faces the camera."""
    drawn, high = plate(text, bubble=bubble), 0.16 * (text.count("\n") + 1)
    half = 0.5 * high * drawn.aspect
    mesh = quad(((-half, 0, 0), (half, 0, 0), (half, 0, high), (-half, 0, high)), (1.0, 1.0))
    path = _add_surface(parent, Surface("sign", mesh, drawn.picture, glows=True))
    path.set_pos(0.0, 0.0, at_m)
    path.set_billboard_axis()
    return path


def _offscreen_buffer(engine: GraphicsEngine, width: int, height: int) -> GraphicsOutput:
    selection = GraphicsPipeSelection.get_global_ptr()
    kinds = [selection.get_pipe_type(i) for i in range(selection.get_num_pipe_types())]
    pipe = next((selection.make_pipe(kind) for kind in kinds if kind.get_name() == _PIPE), None)
    if pipe is None:
        raise RuntimeError(f"Panda3D has no {_PIPE}; reinstall panda3d")
    wanted = FrameBufferProperties()
    wanted.set_rgb_color(True)
    wanted.set_depth_bits(16)
    size = WindowProperties.size(width, height)
    buffer = engine.make_output(pipe, "eye", 0, wanted, size, GraphicsPipe.BF_refuse_window)
    if buffer is None:
        raise RuntimeError(f"Panda3D's software renderer refused a {width}x{height} picture")
    return buffer


def _add_surface(
    parent: NodePath, surface: Surface, textures: dict[int, Texture] | None = None
) -> NodePath:
    path = _add_node(parent, surface.name, surface.mesh)
    if surface.picture is not None:
        known = {} if textures is None else textures
        if id(surface.picture) not in known:
            known[id(surface.picture)] = _texture(surface.name, surface.picture)
        path.set_texture(known[id(surface.picture)])
    if surface.glows:
        path.set_color_scale_off()
    return path


def _texture(name: str, picture: NDArray[np.uint8]) -> Texture:
    texture = Texture(name)
    height, width = picture.shape[:2]
    texture.setup_2d_texture(width, height, Texture.T_unsigned_byte, Texture.F_rgb)
    texture.set_ram_image_as(np.ascontiguousarray(picture[::-1]).tobytes(), "RGB")
    texture.set_wrap_u(SamplerState.WM_repeat)
    texture.set_wrap_v(SamplerState.WM_repeat)
    texture.set_minfilter(SamplerState.FT_linear_mipmap_linear)
    texture.set_magfilter(SamplerState.FT_linear)
    return texture


def _add_node(parent: NodePath, name: str, mesh: Mesh) -> NodePath:
    """Add a mesh, drawn in the order of the scene.

    Panda3D's own order depends on memory addresses, and the order is visible where two surfaces
    meet.
    """
    path = parent.attach_new_node(_geom_node(name, mesh))
    path.set_bin("unsorted", 0)
    return path


def _geom_node(name: str, mesh: Mesh) -> GeomNode:
    """A node with equal corners merged: this renderer spends most time on moving corners."""
    flat = np.concatenate(
        [
            part.reshape(-1, part.shape[-1])
            for part in (mesh.corners, mesh.colours, mesh.texture_uv)
        ],
        axis=1,
    )
    rows, index = np.unique(np.round(flat, 5), axis=0, return_inverse=True)
    data = GeomVertexData(name, GeomVertexFormat.get_v3c4t2(), Geom.UH_static)
    data.set_num_rows(len(rows))
    vertex, colour, uv = (
        GeomVertexWriter(data, column) for column in ("vertex", "color", "texcoord")
    )
    for x, y, z, red, green, blue, u, v in rows.tolist():
        vertex.add_data3(x, y, z)
        colour.add_data4(red, green, blue, 1.0)
        uv.add_data2(u, v)
    triangles = GeomTriangles(Geom.UH_static)
    for a, b, c in index.reshape(-1, 3).tolist():
        triangles.add_vertices(a, b, c)
    geom = Geom(data)
    geom.add_primitive(triangles)
    node = GeomNode(name)
    node.add_geom(geom)
    return node
