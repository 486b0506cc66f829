"""The stand-in as a process of a run, at the endpoints that the run has chosen."""

from pathlib import Path
from urllib.parse import urlsplit

from configs.errors import BadInput
from configs.plugin_reference import camera_plugin
from interfaces.ipc.access_token import new_token, token_file
from interfaces.runtime.child_process import set_up_process, watch_supervisor
from interfaces.runtime.run_folder import RunFolder
from interfaces.standin.avatar_settings import standin_settings
from interfaces.standin.standin_server import serve
from interfaces.standin.stop_flags import StopWhenAny
from interfaces.vrchat.endpoints import read_endpoints


def serve_run(run_path: Path) -> None:
    """Serve until the supervisor stops this process or ends itself.

    The stand-in outlives the body, as a VRChat client does. Raises BadInput if the camera source is
    a URL without a port, because the stand-in could not serve its picture there.
    """
    stopped, orphaned = set_up_process("standin"), watch_supervisor()
    run = RunFolder(run_path)
    config, endpoints = run.config, read_endpoints(run.endpoints)
    source = endpoints.camera_source
    # With a camera of a plugin the picture of the stand-in is not used: any free port.
    port = 0 if camera_plugin(source) is not None else urlsplit(str(source)).port
    if port is None:
        raise BadInput(
            f"world.camera.source {source}: the stand-in can serve its picture "
            "only at auto, or at a URL http://127.0.0.1:PORT/camera.mjpg; plugin:… also works"
        )
    token = new_token()
    with token_file(run.standin_token, token):
        serve(
            standin_settings(config.world),
            seed=config.seed,
            osc_in_port=endpoints.osc_send_port,
            osc_out_host="127.0.0.1",
            osc_out_port=endpoints.osc_receive_port,
            http_port=port,
            query_port=endpoints.query_port,
            ready=lambda _: None,
            stop=StopWhenAny(stopped, orphaned),
            episode_s=config.evaluate.episode_steps / config.tick.hz,
            token=token,
        )
