"""The folders where VRChat keeps its files, on Windows or under Proton."""

import sys
from pathlib import Path

_LOCAL_LOW = Path("AppData", "LocalLow", "VRChat", "VRChat")
_PROTON = Path("steamapps", "compatdata", "438100", "pfx", "drive_c", "users", "steamuser")
_STEAM = (Path(".steam", "steam"), Path(".local", "share", "Steam"))


def client_folders(home: Path) -> list[Path]:
    """VRChat's folders below the home folder of a user; only those that exist."""
    if sys.platform == "win32":
        places = [home / _LOCAL_LOW]
    else:
        places = [home / steam / _PROTON / _LOCAL_LOW for steam in _STEAM]
    return list(dict.fromkeys(each.resolve() for each in places if each.is_dir()))
