"""Set a file of a run aside: another name beside it, and nothing is deleted or followed."""

import os
from pathlib import Path

from configs.reading.busy_files import rename_file
from interfaces.ipc.no_links import refuse_links_between


def set_aside(path: Path) -> Path:
    """Rename what stands at `path` to NAME.damaged-N, the first free one, and return the new path.

    The content does not matter: a rename reads nothing. Raises LinkRefused if the path or its
    folder is a link, and OSError.
    """
    refuse_links_between(path.parent.parent, path)
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.damaged-{number}")):
        number += 1
    return rename_file(path, aside)
