"""Matplotlib for pictures in files, with fonts for Japanese names where the machine has one."""

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

_FONTS = ("DejaVu Sans", "Yu Gothic", "Meiryo", "Hiragino Sans", "Noto Sans CJK JP", "IPAGothic")


@contextmanager
def pyplot() -> Generator[Any]:
    """matplotlib.pyplot without a window. A character that no font has becomes a box, silently."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import font_manager
    from matplotlib import pyplot as plt

    known = set(font_manager.get_font_names())
    fonts = [font for font in _FONTS if font in known]
    # A name may contain dollar signs, which Matplotlib would read as a formula.
    settings: Any = {"font.family": fonts, "text.parse_math": False}
    with warnings.catch_warnings(), plt.rc_context(settings):
        warnings.filterwarnings("ignore", message="Glyph")
        yield plt
