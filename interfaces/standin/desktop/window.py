"""The stand-in on a desktop: a window with the picture and the map, and the keys held in it.

Panda3D's software renderer again, so no GPU and no OpenGL. A window belongs to the thread that
made it; the renderer of the pictures may live in the same one.
"""

import os
import sys

import cv2
import numpy as np
from numpy.typing import NDArray
from panda3d.core import (
    ButtonEvent,
    Camera,
    CardMaker,
    ExecutionEnvironment,
    FrameBufferProperties,
    GraphicsEngine,
    GraphicsPipe,
    GraphicsPipeSelection,
    GraphicsWindow,
    MouseButton,
    NodePath,
    OrthographicLens,
    SamplerState,
    Texture,
    WindowProperties,
    load_prc_file_data,
)

from configs.errors import BadInput

Picture = NDArray[np.uint8]  # (H, W, 3), RGB

_PIPES = ("TinyXGraphicsPipe", "TinyWinGraphicsPipe")
_TEXTURE_MAX_PX = 2048  # a larger window is drawn at a half, a third ... and stretched
_BACKGROUND = (12, 14, 20)
_FRAME = (126, 138, 160)
_DOWN = (ButtonEvent.T_down, ButtonEvent.T_resume_down)
_GAP_PX = 10
_STRIP_LEAST_PX = 148  # narrower than this beside the picture, the map goes upon it
_CORNER_SHARE = 0.42  # of the picture's shorter side, at most

load_prc_file_data(
    "yume window",
    "load-display p3tinydisplay\naux-display\naudio-library-name null\nnotify-level error\n"
    "sync-video false\ndpi-aware true\n",
)


class NoDisplay(BadInput):
    """No window can be opened here."""


class Window:
    """Shows pictures as large as it is, and knows the keys held while it has the focus."""

    def __init__(self, width: int, height: int, title: str) -> None:
        """Opens it, so large inside. Raises NoDisplay."""
        # Freed in this order: the window's end still speaks to the X server, through the pipe.
        self._window, self._engine, self._pipe = _opened(width, height, title)
        self._root = NodePath("window")
        self._lens = OrthographicLens()
        self._lens.set_near_far(-1.0, 1.0)
        camera = self._root.attach_new_node(Camera("eye", self._lens))
        self._window.make_display_region().set_camera(camera)
        self._window.set_clear_depth_active(False)
        self._texture = Texture("picture")
        self._cards = NodePath("cards")
        self._canvas_size = (0, 0)
        self._held: set[str] = set()
        self._tapped: set[str] = set()
        self._closed = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height inside, now: the user may change them."""
        return max(2, self._window.get_x_size()), max(2, self._window.get_y_size())

    @property
    def closed(self) -> bool:
        """Whether the user has closed it, or pressed Escape."""
        return self._closed or not self._window.get_properties().get_open()

    def show(self, picture: Picture, minimap: Picture | None = None) -> None:
        """Draw now, without waiting for the screen, and hear the keyboard. Nothing once closed.

        A window of a whole multiple of the picture's size, without a map, shows every pixel as a
        square of its colour: what a screen capture can take back exactly.
        """
        if self.closed:
            return
        width, height = self.size
        parts = -(-max(width, height) // _TEXTURE_MAX_PX)
        self._upload(compose(picture, minimap, width // parts, height // parts))
        self._engine.render_frame()
        self._listen()

    def keys(self) -> frozenset[str]:
        """Keys held now, or pressed and let go since the last call; none without the focus.

        Named as Panda3D does: "w", "arrow_up", "space", "lshift" and "shift" ...
        """
        found = frozenset(self._held | self._tapped)
        self._tapped.clear()
        return frozenset() if self.closed else found

    def close(self) -> None:
        """Close it. Twice does no harm."""
        self._closed = True
        self._engine.remove_all_windows()

    def _upload(self, canvas: Picture) -> None:
        height, width = canvas.shape[:2]
        if (width, height) != self._canvas_size:
            self._size_card(width, height)
        rows = np.frombuffer(self._texture.modify_ram_image(), np.uint8)
        rows = rows.reshape(self._texture.get_y_size(), self._texture.get_x_size(), 3)
        cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR, rows[:height, :width])

    def _size_card(self, width: int, height: int) -> None:
        """A pixel of the canvas on each pixel of the window, exactly.

        The renderer puts -1..1 on the middles of the first and the last pixel, and leaves out the
        last column and row of a card that ends there. A card that ends further out is cut, which
        shifts its texture; so strips that repeat the last column and row lie below the others.
        """
        right, low = width - 1, height - 1
        wide, high = 1 << right.bit_length(), 1 << low.bit_length()  # powers of two, as must be
        self._texture.setup_2d_texture(wide, high, Texture.T_unsigned_byte, Texture.F_rgb)
        self._texture.set_minfilter(SamplerState.FT_nearest)
        self._texture.set_magfilter(SamplerState.FT_nearest)
        u, v = (0.5 / wide, (right + 0.5) / wide), (0.5 / high, (low + 0.5) / high)
        across = (((right - 2, right + 3), (u[1], u[1])), ((0, right), u))
        down = (((low - 2, low + 3), (v[1], v[1])), ((0, low), v))
        self._cards.remove_node()
        self._cards = self._root.attach_new_node("cards")
        for (x0, x1), (u0, u1) in across:
            for (y0, y1), (v0, v1) in down:
                maker = CardMaker("card")
                maker.set_frame(x0, x1, -y1, -y0)
                maker.set_uv_range((u0, v1), (u1, v0))  # the texture's first row is the top one
                self._cards.attach_new_node(maker.generate()).set_bin("unsorted", 0)
        self._cards.set_texture(self._texture)
        self._cards.set_depth_test(False)
        self._cards.set_depth_write(False)
        self._cards.set_pos(-0.5 * right, 0.0, 0.5 * low)
        self._lens.set_film_size(right, low)
        self._canvas_size = (width, height)

    def _listen(self) -> None:
        events = self._window.get_input_device(0).get_button_events()
        for event in [events.get_event(i) for i in range(events.get_num_events())]:
            if MouseButton.is_mouse_button(event.button):
                continue
            name = event.button.name
            if event.type in _DOWN and name not in self._held:  # a held key repeats itself
                self._held.add(name)
                self._tapped.add(name)
                self._closed |= name == "escape"
            elif event.type == ButtonEvent.T_up:  # of every key as well when the focus is lost
                self._held.discard(name)


def compose(picture: Picture, minimap: Picture | None, width: int, height: int) -> Picture:
    """Both on one canvas (height, width, 3): the picture as large as its shape allows, the map
    beside it where there is room, else upon its upper right corner, never enlarged."""
    canvas = np.empty((height, width, 3), np.uint8)
    cv2.rectangle(canvas, (0, 0), (width, height), _BACKGROUND, cv2.FILLED)
    tall, broad = picture.shape[:2]
    scale = min(width / broad, height / tall)
    wide, high = max(1, round(broad * scale)), max(1, round(tall * scale))
    strip = width - wide
    beside = minimap is not None and strip >= _STRIP_LEAST_PX
    left, top = 0 if beside else strip // 2, (height - high) // 2
    canvas[top : top + high, left : left + wide] = _scaled(picture, wide, high)
    if minimap is None:
        return canvas
    if beside:
        side = min(len(minimap), strip - 2 * _GAP_PX, height - 2 * _GAP_PX)
        x, y = wide + (strip - side) // 2, _GAP_PX
    else:
        side = min(len(minimap), int(_CORNER_SHARE * min(wide, high)))
        x, y = left + wide - side - _GAP_PX, top + _GAP_PX
    if side > 0 and x > 0 and y + side < height:
        cv2.rectangle(canvas, (x - 1, y - 1), (x + side, y + side), _FRAME)
        canvas[y : y + side, x : x + side] = _scaled(minimap, side, side)
    return canvas


def _scaled(picture: Picture, width: int, height: int) -> Picture:
    """Smaller: the mean of what falls together. Larger: squares, unless they would be uneven."""
    scale = width / picture.shape[1]
    whole = width % picture.shape[1] == 0 and height % picture.shape[0] == 0
    larger = cv2.INTER_NEAREST if whole or scale > 2.0 else cv2.INTER_LINEAR
    kind = larger if scale >= 1.0 else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, (width, height), interpolation=kind), np.uint8)


def _opened(
    width: int, height: int, title: str
) -> tuple[GraphicsWindow, GraphicsEngine, GraphicsPipe]:
    # Panda3D goes by the environment as it was when the process began.
    ExecutionEnvironment.set_environment_variable("DISPLAY", os.environ.get("DISPLAY", ""))
    selection, engine = GraphicsPipeSelection.get_global_ptr(), GraphicsEngine()
    kinds = [selection.get_pipe_type(i) for i in range(selection.get_num_pipe_types())]
    pipe = next((selection.make_pipe(kind) for kind in kinds if kind.get_name() in _PIPES), None)
    if pipe is None or not pipe.is_valid():
        raise NoDisplay(_advice())
    wanted = FrameBufferProperties()
    wanted.set_rgb_color(True)
    wanted.set_back_buffers(1)  # with none, Panda3D draws and never shows it
    size = WindowProperties.size(width, height)
    size.set_title(title)
    size.set_foreground(True)
    window = engine.make_output(pipe, "window", 0, wanted, size, GraphicsPipe.BF_require_window)
    if window is None:
        raise NoDisplay(_advice())
    engine.open_windows()
    return window, engine, pipe


def _advice() -> str:
    instead = "leave --window out and watch http://127.0.0.1:PORT/camera.mjpg in a browser instead"
    if sys.platform == "darwin":
        return f"Panda3D's software renderer opens no window on macOS: {instead}"
    if sys.platform == "win32":
        return f"Windows opens no window for this session: {instead}"
    display = os.environ.get("DISPLAY")
    told = f"DISPLAY is {display}, and no X server answers there" if display else "DISPLAY is unset"
    return f"no window can be opened: {told}. Set DISPLAY (mostly to :0), or {instead}"
