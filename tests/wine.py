"""Tells whether the tests run under Wine, for the few that meet a gap of Wine itself."""

import ctypes
import sys

import pytest


def on_wine() -> bool:
    """Whether Windows' API is that of Wine."""
    return sys.platform == "win32" and hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")


def skip_on_wine(reason: str) -> pytest.MarkDecorator:
    """Skips a test under Wine. `reason`: what Wine lacks, or does otherwise than Windows."""
    return pytest.mark.skipif(on_wine(), reason=f"Wine: {reason}")
