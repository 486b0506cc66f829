"""Pictures of the stand-in's room, drawn by Panda3D's software renderer: no display, no GPU.

The only module that imports Panda3D. A renderer belongs to the thread that made it.
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

from configs.schema import StandinConfig
from interfaces.standin import textures
from interfaces.standin.geometry import WALL_HEIGHT_M, Room, View
from interfaces.standin.meshes import Mesh, join, landmark, quad
from interfaces.standin.person import parts, swings

_NEAR_M, _FAR_M = 0.08, 100.0
_PIPE = "TinyOffscreenGraphicsPipe"

load_prc_file_data(
    "yume stand-in",
    "load-display p3tinydisplay\naux-display\naudio-library-name null\nnotify-level error\n",
)


class Renderer:
    """Draws views of the room made by `config` and `seed`. The same view, the same bytes."""

    def __init__(self, config: StandinConfig, seed: int) -> None:
        self._shape = (config.height, config.width)
        self._engine = GraphicsEngine()
        self._buffer = _offscreen_buffer(self._engine, config.width, config.height)
        self._picture = Texture("picture")
        self._buffer.add_render_texture(
            self._picture, GraphicsOutput.RTM_copy_ram, GraphicsOutput.RTP_color
        )
        self._root = NodePath("room")
        self._root.set_two_sided(False)
        _furnish(self._root, Room(config.size_m, seed))
        self._other = self._root.attach_new_node("other")
        self._joints: dict[str, NodePath] = {}
        for part in parts():
            joint = _hang(self._other, part.name, part.mesh)
            joint.set_pos(*part.joint)
            self._joints[part.name] = joint
        self._camera = self._root.attach_new_node(_camera(config))
        self._buffer.make_display_region().set_camera(self._camera)

    def render(self, view: View) -> NDArray[np.uint8]:
        """What is seen from there: uint8 (height, width, 3), RGB."""
        self._camera.set_pos(view.x, view.z, view.eye_y)
        self._camera.set_hpr(-view.heading_deg, view.pitch_deg, 0.0)
        self._other.set_pos(view.other_x, view.other_z, 0.0)
        self._other.set_h(-view.other_heading_deg)
        for name, swing_deg in swings(view).items():
            self._joints[name].set_p(swing_deg)
        self._engine.render_frame()
        rgb = np.frombuffer(self._picture.get_ram_image_as("RGB"), np.uint8)
        return rgb.reshape(*self._shape, 3)[::-1].copy()  # Panda3D's rows go upwards

    def close(self) -> None:
        """Free the buffer; no pictures after this."""
        self._engine.remove_all_windows()


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


def _camera(config: StandinConfig) -> Camera:
    lens = PerspectiveLens()
    half = math.radians(0.5 * config.fov_deg)
    wide_deg = 2.0 * math.degrees(math.atan(math.tan(half) * config.width / config.height))
    lens.set_fov(wide_deg, config.fov_deg)
    lens.set_near_far(_NEAR_M, _FAR_M)
    return Camera("eye", lens)


def _furnish(root: NodePath, room: Room) -> None:
    half, high = room.half_m, WALL_HEIGHT_M
    low = [(-half, half, 0.0), (half, half, 0.0), (half, -half, 0.0), (-half, -half, 0.0)]
    for i, (name, picture) in enumerate(textures.walls().items()):
        left, right = low[i], low[(i + 1) % 4]
        corners = (left, right, (*right[:2], high), (*left[:2], high))
        uv = (room.size_m / textures.WALL_TILE_M, high / textures.WALL_TILE_M)
        _textured(root, name, quad(corners, uv), picture)
    tiles = room.size_m / textures.FLOOR_TILE_M
    floor = (low[3], low[2], low[1], low[0])
    _textured(root, "floor", quad(floor, (tiles, tiles)), textures.floor())
    panels = room.size_m / textures.WALL_TILE_M
    above = [(x, y, high) for x, y, _ in low]
    ceiling = (above[0], above[1], above[2], above[3])
    _textured(root, "ceiling", quad(ceiling, (panels, panels)), textures.ceiling())
    things = [landmark(mark) for mark in room.landmarks]
    _hang(root, "landmarks", join(*things))


def _textured(root: NodePath, name: str, mesh: Mesh, picture: NDArray[np.uint8]) -> None:
    texture = Texture(name)
    height, width = picture.shape[:2]
    texture.setup_2d_texture(width, height, Texture.T_unsigned_byte, Texture.F_rgb)
    texture.set_ram_image_as(np.ascontiguousarray(picture[::-1]).tobytes(), "RGB")
    texture.set_wrap_u(SamplerState.WM_repeat)
    texture.set_wrap_v(SamplerState.WM_repeat)
    texture.set_minfilter(SamplerState.FT_linear_mipmap_linear)
    texture.set_magfilter(SamplerState.FT_linear)
    _hang(root, name, mesh).set_texture(texture)


def _hang(parent: NodePath, name: str, mesh: Mesh) -> NodePath:
    """Drawn in the order of the scene: Panda3D's own order goes by memory addresses, and where two
    surfaces meet the order is seen."""
    path = parent.attach_new_node(_node(name, mesh))
    path.set_bin("unsorted", 0)
    return path


def _node(name: str, mesh: Mesh) -> GeomNode:
    data = GeomVertexData(name, GeomVertexFormat.get_v3c4t2(), Geom.UH_static)
    data.set_num_rows(mesh.corners.shape[0] * 3)
    vertex, colour, uv = (
        GeomVertexWriter(data, column) for column in ("vertex", "color", "texcoord")
    )
    for point in mesh.corners.reshape(-1, 3).tolist():
        vertex.add_data3(*point)
    for red_green_blue in mesh.colours.reshape(-1, 3).tolist():
        colour.add_data4(*red_green_blue, 1.0)
    for pair in mesh.texture_uv.reshape(-1, 2).tolist():
        uv.add_data2(*pair)
    triangles = GeomTriangles(Geom.UH_static)
    triangles.add_next_vertices(mesh.corners.shape[0] * 3)
    geom = Geom(data)
    geom.add_primitive(triangles)
    node = GeomNode(name)
    node.add_geom(geom)
    return node
