"""Pictures of the stand-in's places, drawn by Panda3D's software renderer: no display, no GPU.

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
    SamplerState,
    Texture,
    WindowProperties,
    load_prc_file_data,
)

from configs.standin import StandinConfig
from interfaces.standin.picture.daylight import daylight, sky_colour
from interfaces.standin.picture.meshes import Mesh, quad
from interfaces.standin.picture.nameplates import plate
from interfaces.standin.picture.person import parts, swings
from interfaces.standin.picture.scene import Look, View
from interfaces.standin.places.place import Place, Surface

_NEAR_M, _FAR_M = 0.08, 100.0
# A sphere around somebody: its middle above the feet, its radius; a chat line is up to 12 m wide.
_MIDDLE_M, _BODY_M, _SPEAKS_M = 1.1, 1.8, 8.0
_PIPE = "TinyOffscreenGraphicsPipe"

load_prc_file_data(
    "yume stand-in",
    "load-display p3tinydisplay\naux-display\naudio-library-name null\nnotify-level error\n",
)


class Renderer:
    """Draws views of a place. The same view, the same bytes."""

    def __init__(self, config: StandinConfig, place: Place) -> None:
        self._shape = (config.height, config.width)
        self._fov_deg = config.fov_deg
        self._engine = GraphicsEngine()
        self._buffer = _offscreen_buffer(self._engine, config.width, config.height)
        self._picture = Texture("picture")
        self._buffer.add_render_texture(
            self._picture, GraphicsOutput.RTM_copy_ram, GraphicsOutput.RTP_color
        )
        self._sky = place.sky
        self._light: tuple[float, float, float] | None = None
        self._root = NodePath("place")
        self._root.set_two_sided(False)
        textures: dict[int, Texture] = {}  # surfaces of one picture share it
        # Apart from what moves: Panda3D measures every sibling of a moved node again.
        still = self._root.attach_new_node("still")
        for surface in place.surfaces:
            _show(still, surface, textures)
        self._moving = self._root.attach_new_node("moving")
        self._movers = [(mover, _show(self._moving, mover.surface)) for mover in place.movers]
        self._bodies: list[_Body] = []
        self._lens = PerspectiveLens()
        self._lens.set_near_far(_NEAR_M, _FAR_M)
        self._zoom, self._corner_rad = -1.0, 0.0
        self._camera = self._root.attach_new_node(Camera("eye", self._lens))
        self._buffer.make_display_region().set_camera(self._camera)

    def render(self, view: View) -> NDArray[np.uint8]:
        """What is seen from there: uint8 (height, width, 3), RGB."""
        self._aim(view)
        if self._sky:
            self._shine(daylight(view.hour))
        for mover, path in self._movers:
            x, y, z, heading_deg = mover.at(view.time_s)
            path.set_pos_hpr(x, z, y, -heading_deg, 0.0, 0.0)
        looks = view.people if view.me is None else (*view.people, view.me)
        while len(self._bodies) < len(looks):
            self._bodies.append(_Body(self._moving, looks[len(self._bodies)]))
        eye = _Cone(view, self._corner_rad)
        for body, look in zip(self._bodies, looks, strict=False):
            body.show(eye.sees(look))
            if body.shown:
                body.pose(look)
        for body in self._bodies[len(looks) :]:
            body.show(False)
        self._engine.render_frame()
        rgb = np.frombuffer(self._picture.get_ram_image_as("RGB"), np.uint8)
        return rgb.reshape(*self._shape, 3)[::-1].copy()  # Panda3D's rows go upwards

    def close(self) -> None:
        """Free the buffer; no pictures after this."""
        self._engine.remove_all_windows()

    def _aim(self, view: View) -> None:
        self._camera.set_pos_hpr(
            view.x, view.z, view.y, -view.heading_deg, view.pitch_deg, view.roll_deg
        )
        if view.zoom == self._zoom:
            return
        self._zoom = view.zoom
        # The user camera's zoom is a focal length; 12 mm is half of a film's height.
        tall = math.degrees(2 * math.atan(12 / view.zoom)) if view.zoom else self._fov_deg
        high, wide = self._shape
        half = math.tan(math.radians(0.5 * tall))
        self._corner_rad = math.atan(half * math.hypot(1.0, wide / high))
        self._lens.set_fov(2.0 * math.degrees(math.atan(half * wide / high)), tall)

    def _shine(self, light: tuple[float, float, float]) -> None:
        if light == self._light:
            return
        self._light = light
        self._root.set_color_scale(*light, 1.0)
        self._buffer.set_clear_color((*sky_colour(light), 1.0))


class _Cone:
    """The cone around a picture's corners. Panda3D leaves out what it does not see as well, but
    only after moving every joint: this is cheaper."""

    def __init__(self, view: View, corner_rad: float) -> None:
        heading, pitch = math.radians(view.heading_deg), math.radians(view.pitch_deg)
        self._x, self._y, self._z = view.x, view.y, view.z
        flat = math.cos(pitch)
        self._ahead = math.sin(heading) * flat, math.sin(pitch), math.cos(heading) * flat
        self._sine, self._cosine = math.sin(corner_rad), math.cos(corner_rad)

    def sees(self, look: Look) -> bool:
        """Whether any of somebody, plate and bubble included, may be in the picture."""
        x, y, z = look.x - self._x, look.y + _MIDDLE_M - self._y, look.z - self._z
        ahead = x * self._ahead[0] + y * self._ahead[1] + z * self._ahead[2]
        aside = math.sqrt(max(0.0, x * x + y * y + z * z - ahead * ahead))
        reach_m = _SPEAKS_M if look.bubble else _BODY_M
        return aside * self._cosine - ahead * self._sine <= reach_m


class _Body:
    """One avatar in the scene, with its nameplate and what it says."""

    def __init__(self, root: NodePath, look: Look) -> None:
        self.path = root.attach_new_node(f"person {look.name}")
        self._joints: dict[str, NodePath] = {}
        for part in parts(look.look):
            joint = _hang(self.path, part.name, part.mesh)
            joint.set_pos(*part.joint)
            self._joints[part.name] = joint
        self._bubble, self._said = None, ""
        if look.name:
            _sign(self.path, look.name, 1.86, bubble=False)
        self.shown = True

    def show(self, shown: bool) -> None:
        if shown != self.shown:
            self.shown = shown
            self.path.show() if shown else self.path.hide()

    def pose(self, look: Look) -> None:
        self.path.set_pos(look.x, look.z, look.y)
        self.path.set_h(-look.heading_deg)
        for name, swing_deg in swings(look).items():
            self._joints[name].set_p(swing_deg)
        if look.bubble != self._said:
            if self._bubble is not None:
                self._bubble.remove_node()
            self._bubble, self._said = None, look.bubble
            if look.bubble:
                self._bubble = _sign(self.path, look.bubble, 2.1, bubble=True)


def _sign(parent: NodePath, text: str, at_m: float, *, bubble: bool) -> NodePath:
    """A plate that always faces who looks."""
    drawn, high = plate(text, bubble=bubble), 0.16 * (text.count("\n") + 1)
    half = 0.5 * high * drawn.aspect
    mesh = quad(((-half, 0, 0), (half, 0, 0), (half, 0, high), (-half, 0, high)), (1.0, 1.0))
    path = _show(parent, Surface("sign", mesh, drawn.picture, glows=True))
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


def _show(
    parent: NodePath, surface: Surface, textures: dict[int, Texture] | None = None
) -> NodePath:
    path = _hang(parent, surface.name, surface.mesh)
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


def _hang(parent: NodePath, name: str, mesh: Mesh) -> NodePath:
    """Drawn in the order of the scene: Panda3D's own order goes by memory addresses, and where two
    surfaces meet the order is seen."""
    path = parent.attach_new_node(_node(name, mesh))
    path.set_bin("unsorted", 0)
    return path


def _node(name: str, mesh: Mesh) -> GeomNode:
    """Each corner once: moving corners is what this renderer spends its time on."""
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
