"""Hand-made journals and run folders, and a server of one true state."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np

from configs.load import load_config
from interfaces.core.spaces import Spaces
from interfaces.core.step import StepLayout, value_field
from interfaces.journal.writer import JournalWriter
from interfaces.runtime.run_folder import create_run
from tests.conftest import ROOT

TERM = "parameters.HeadPat"


def write_journal(folder, seconds, head_pats, features=("HeadPat",), vectors=None):
    """A Step at each of `seconds`. Its picture, 2 x 2 pixels, is grey: 10 * row."""
    config = load_config(ROOT / "configs" / "tiny.yaml")
    spaces = Spaces((2, 2, 3), tuple(features), config.world.actions)
    layout = StepLayout(spaces, (TERM,))
    writer = JournalWriter(folder, layout, segment_steps=256, max_steps=1024)
    for row, (second, head_pat) in enumerate(zip(seconds, head_pats, strict=True)):
        step = np.zeros((), layout.dtype)
        step["index"] = step["tick"] = row
        step["monotonic_ns"] = 5_000_000_000 + round(second * 1e9)
        step["image"] = 10 * row % 256
        step[value_field(TERM)] = head_pat
        if vectors is not None:
            step["vector"][: len(features)] = vectors[row]
        writer.append(step)
    writer.close()


def make_run(folder, words=()):
    """An empty run of the preset tiny."""
    config = load_config(ROOT / "configs" / "tiny.yaml", list(words))
    return create_run(folder, config, "tiny", ROOT)


@contextmanager
def serving(truth):
    """A server on loopback that answers every request with `truth`; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(truth).encode())

        def log_message(self, *words):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
