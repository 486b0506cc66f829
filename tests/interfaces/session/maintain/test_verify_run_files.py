"""`verify` reports damage in the small files of a run, and nothing for an intact one."""

import numpy as np
import pytest
from safetensors.numpy import save

from configs.load import load_config, write_config
from interfaces.core.step import StepLayout
from interfaces.ipc.atomic_files import write_checked_json, write_json
from interfaces.journal.layout import write_layout
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.maintain.verify_run_files import damaged_files
from interfaces.vrchat.endpoints import Endpoints, write_endpoints
from interfaces.vrchat.vrchat_world import vrchat_spaces
from interfaces.weights import Manifest
from interfaces.weights.checkpoint_files import checkpoint_path, write_checkpoint
from interfaces.weights.versions import pin, save_version
from tests.conftest import ROOT

MANIFEST = Manifest((("w", (4,)),))


@pytest.fixture
def run(tmp_path):
    run, config = RunFolder(tmp_path), load_config(ROOT / "configs" / "tiny.yaml")
    for folder in (run.checkpoints, run.session):
        folder.mkdir()
    write_config(config, run.config_file)
    write_checked_json(run.meta, {"seed": 0, "command": ["run"]})
    write_checked_json(run.summary, {"steps": 100, "mean": 0.25})
    write_json(run.processes, {"supervisor": 4000000, "body": 4000001})
    write_endpoints(run.endpoints, Endpoints("127.0.0.1", 9000, 9001, "http://127.0.0.1:5/x"))
    write_checked_json(run.start_time_file, {"began_ns": 10})
    write_layout(run.journal, StepLayout(vrchat_spaces(config.world)))
    for serial in (1, 2):
        path = checkpoint_path(run.checkpoints, serial, 50 * serial)
        tensors = save({"x": np.arange(9, dtype=np.float32)})
        write_checkpoint(path, tensors, {"steps": 50, "updates": 5, "version": 2, "extra": {}})
    for version in (1, 2):
        save_version(run.weights, version, np.arange(4, dtype=np.float32), MANIFEST)
    pin(run.weights, 1)
    return run


def named(run):
    return {path.relative_to(run.path).as_posix(): cause for path, cause in damaged_files(run)}


def test_an_intact_run_and_one_of_an_older_version_have_no_damage(run):
    assert named(run) == {}
    write_json(run.meta, {"seed": 0})
    write_json(run.start_time_file, {"began_ns": 10})
    run.summary.unlink()
    assert named(run) == {}


CHECKED = (
    *("config.yaml", "meta.json", "summary.json", "began.json", "journal/layout.json"),
    *("weights/pin.json", "weights/applied/000000000002.safetensors"),
    *("checkpoints/000002-000000000100.json", "checkpoints/000002-000000000100.safetensors"),
)


@pytest.mark.parametrize("name", CHECKED)
def test_a_flipped_bit_anywhere_in_the_content_is_reported(run, name):
    path = run.path / name
    content, unseen = path.read_bytes(), []
    rng = np.random.default_rng(0)
    for bit in rng.choice(len(content) * 8, 8, replace=False).tolist():
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        if not named(run):
            unseen.append(bit)
    path.write_bytes(content)
    # A bit in white space or in the name of the checksum changes no content: few in any file.
    assert len(unseen) <= 2, unseen


@pytest.mark.parametrize("name", [*CHECKED, "processes.json", "endpoints.json"])
def test_a_cut_file_is_reported_by_its_name(run, name):
    path = run.path / name
    path.write_bytes(path.read_bytes()[:-9])
    (found,) = named(run)
    assert found == name.replace(".safetensors", ".json").replace("02.json", "02.safetensors")


def test_missing_tensors_and_unusual_files_are_reported(run):
    (run.checkpoints / "000001-000000000050.safetensors").unlink()
    run.meta.unlink()
    run.meta.mkdir()
    (run.session / "pruned.json").write_text('{"until": 1e999}')
    write_json(run.sources, {"sessions": "no", "steps": -1})
    run.plugin_folders.write_text("[]")
    causes = named(run)
    assert "is missing" in causes.pop("checkpoints/000001-000000000050.json")
    assert "directory" in causes.pop("meta.json")
    assert "1e999" in causes.pop("session/pruned.json")
    assert causes.keys() == {"sessions.json", "plugins.json"}


def test_a_file_with_another_name_is_not_ours(run):
    (run.checkpoints / "0abc-1.json").write_text("{")
    (run.weights / "applied" / "0x.safetensors").write_text("x")
    assert named(run) == {}
