"""The folder of this user and machine for what Yume must keep outside every run folder.

A run folder can come from a stranger, be deleted or be on a full disk. What a run may not change,
and what must be found without it, is kept here.
"""

import os
from pathlib import Path

import platformdirs

STATE_FOLDER = "YUME_STATE"  # environment variable: another folder, for tests and portable installs


def user_folder() -> Path:
    """The folder, created with access for this user only. Raises OSError if that fails.

    Linux: ~/.local/state/yume; Windows: %LOCALAPPDATA%/yume; macOS: ~/Library/Application
    Support/yume. The environment variable YUME_STATE names another one.
    """
    chosen = os.environ.get(STATE_FOLDER)
    folder = Path(chosen or platformdirs.user_state_dir("yume", appauthor=False))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder.resolve()  # the user may have put it elsewhere, with a link


def tokens_folder() -> Path:
    """Where the tokens of this user's pages on loopback are. It may not exist."""
    chosen = os.environ.get(STATE_FOLDER)
    return Path(chosen or platformdirs.user_state_dir("yume", appauthor=False)) / "tokens"
