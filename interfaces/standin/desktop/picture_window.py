"""A desktop window that shows pictures and reads the keyboard.

It uses Panda3D's software renderer, so it needs no GPU and no OpenGL. A window belongs to the
thread that made it; that thread may also have the renderer of the pictures.
"""

import os
import sys

import cv2
import numpy as np
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
from interfaces.standin.desktop.composition import Picture, compose

_PIPES = ("TinyXGraphicsPipe", "TinyWinGraphicsPipe")
_TEXTURE_MAX_PX = 2048  # a larger window is drawn at 1/2, 1/3 ... of its size and stretched
_DOWN = (ButtonEvent.T_down, ButtonEvent.T_resume_down)

load_prc_file_data(
    "yume window",
    "load-display p3tinydisplay\naux-display\naudio-library-name null\nnotify-level error\n"
    "sync-video false\ndpi-aware true\n",
)


class NoDisplay(BadInput):
    """No window can be opened on this machine or in this session."""


class PictureWindow:
    """Scales pictures to its size. Knows which keys are held while it has the focus."""

    def __init__(self, width: int, height: int, title: str) -> None:
        """Open it, with `width` x `height` pixels inside. Raises NoDisplay."""
        # Freed in this order: a closing window still uses the X server, through the pipe.
        self._window, self._engine, self._pipe = _open_window(width, height, title)
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
        """Width and height inside, in pixels. The user may change them."""
        return max(2, self._window.get_x_size()), max(2, self._window.get_y_size())

    @property
    def closed(self) -> bool:
        """Whether the user has closed the window or pressed Escape."""
        return self._closed or not self._window.get_properties().get_open()

    def show(self, picture: Picture, minimap: Picture | None = None) -> None:
        """Draw now, without waiting for the screen, and read the keyboard. No effect once closed.

        Without a map, in a window whose size is a whole multiple of the picture's, every pixel is
        a square of its exact colour. A screen capture can then recover the picture exactly.
        """
        if self.closed:
            return
        width, height = self.size
        parts = -(-max(width, height) // _TEXTURE_MAX_PX)
        self._upload(compose(picture, minimap, width // parts, height // parts))
        self._engine.render_frame()
        self._read_keys()

    def keys(self) -> frozenset[str]:
        """Keys held now, or pressed and released since the last call; none without the focus.

        The names are those of Panda3D: "w", "arrow_up", "space", "lshift" and "shift" ...
        """
        keys = frozenset(self._held | self._tapped)
        self._tapped.clear()
        return frozenset() if self.closed else keys

    def close(self) -> None:
        """Close the window. May be called more than once."""
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
        """Put each pixel of the canvas exactly on one pixel of the window.

        The renderer maps -1..1 to the centres of the first and the last pixel. It omits the last
        column and row of a card that ends there. A card that ends farther out is clipped, which
        shifts its texture. So strips that repeat the last column and row lie below the main card.
        """
        right, low = width - 1, height - 1
        wide, high = 1 << right.bit_length(), 1 << low.bit_length()  # powers of two, as required
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

    def _read_keys(self) -> None:
        events = self._window.get_input_device(0).get_button_events()
        for event in [events.get_event(i) for i in range(events.get_num_events())]:
            if MouseButton.is_mouse_button(event.button):
                continue
            name = event.button.name
            if event.type in _DOWN and name not in self._held:  # a held key sends repeats
                self._held.add(name)
                self._tapped.add(name)
                self._closed |= name == "escape"
            elif (
                event.type == ButtonEvent.T_up
            ):  # also sent for every held key when the focus is lost
                self._held.discard(name)


def _open_window(
    width: int, height: int, title: str
) -> tuple[GraphicsWindow, GraphicsEngine, GraphicsPipe]:
    # Panda3D uses the environment as it was when the process started.
    ExecutionEnvironment.set_environment_variable("DISPLAY", os.environ.get("DISPLAY", ""))
    selection, engine = GraphicsPipeSelection.get_global_ptr(), GraphicsEngine()
    kinds = [selection.get_pipe_type(i) for i in range(selection.get_num_pipe_types())]
    pipe = next((selection.make_pipe(kind) for kind in kinds if kind.get_name() in _PIPES), None)
    if pipe is None or not pipe.is_valid():
        raise NoDisplay(_no_window_message())
    buffer = FrameBufferProperties()
    buffer.set_rgb_color(True)
    buffer.set_back_buffers(1)  # without one, Panda3D draws but never shows it
    size = WindowProperties.size(width, height)
    size.set_title(title)
    size.set_foreground(True)
    window = engine.make_output(pipe, "window", 0, buffer, size, GraphicsPipe.BF_require_window)
    if window is None:
        raise NoDisplay(_no_window_message())
    engine.open_windows()
    return window, engine, pipe


def _no_window_message() -> str:
    instead = "run without --window and open http://127.0.0.1:PORT/camera.mjpg in a browser"
    if sys.platform == "darwin":
        return f"Panda3D's software renderer cannot open a window on macOS: {instead}"
    if sys.platform == "win32":
        return f"Windows cannot open a window in this session: {instead}"
    display = os.environ.get("DISPLAY")
    cause = f"no X server answers at DISPLAY {display}" if display else "DISPLAY is not set"
    return f"cannot open a window: {cause}. Set DISPLAY (usually :0), or {instead}"
