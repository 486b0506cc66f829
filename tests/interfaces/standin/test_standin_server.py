"""The live stand-in over real sockets: UDP in and out, ports, time."""

import threading
import time

import pytest

from configs.standin import FaultsConfig, StandinConfig
from interfaces.osc.message import encode
from interfaces.standin.standin_server import Ports, StandinPortTaken, serve
from tests.interfaces.standin.live_standin import SMALL, LiveStandin, live_standin
from tests.polling import wait_until


def run_until_ready(config: StandinConfig, ready) -> None:
    """Start a stand-in on free ports, and stop it once `ready` has returned."""
    stop = threading.Event()

    def ready_then_stop(ports: Ports) -> None:
        ready(ports)
        stop.set()

    ports = {"osc_in_port": 0, "osc_out_port": 0, "http_port": 0}
    serve(config, seed=0, osc_out_host="127.0.0.1", ready=ready_then_stop, stop=stop, **ports)


def test_inputs_change_parameters_over_udp(live: LiveStandin) -> None:
    live.send(encode("/input/LookHorizontal", 1.0))
    live.wait_for("AngularY", lambda value: value == pytest.approx(200.0))
    live.send(encode("/input/LookHorizontal", 0.0))
    live.wait_for("AngularY", lambda value: value == 0.0)


def test_malformed_datagrams_do_not_stop_the_server(live: LiveStandin) -> None:
    live.send(b"", b"\0" * 100, b"#bundle\0\0", encode("/no/such", 1), b"/x" * 20000)
    live.send(encode("/input/Jump", 0), encode("/input/Jump", 1), encode("/input/Jump", 0))
    live.wait_for("VelocityY", lambda value: value > 2.0)
    live.wait_for("Grounded", bool)


def test_world_time_is_real_time(live: LiveStandin) -> None:
    began, world_began = time.perf_counter(), live.time_s()
    wait_until(lambda: live.time_s() > world_began + 0.5, "half a second of the world")
    assert live.time_s() - world_began == pytest.approx(time.perf_counter() - began, abs=0.15)


@pytest.mark.parametrize("kind", ["osc_in", "http"])
def test_the_error_names_the_port_that_is_in_use(live: LiveStandin, kind: str) -> None:
    taken = getattr(live.ports, kind)
    ports = {"osc_in_port": 0, "http_port": 0} | {f"{kind}_port": taken}
    with pytest.raises(StandinPortTaken, match=rf"{kind}_port {taken}"):
        serve(
            SMALL,
            seed=0,
            osc_out_host="127.0.0.1",
            osc_out_port=0,
            ready=lambda ports: None,
            stop=threading.Event(),
            **ports,
        )


def test_ports_are_free_after_the_stop() -> None:
    with live_standin() as first:
        ports = first.ports
        assert first.truth()
    with live_standin(osc_in=ports.osc_in, http=ports.http) as second:
        assert second.ports.osc_in == ports.osc_in
        assert second.ports.http == ports.http


def test_port_zero_selects_a_free_port() -> None:
    started: list[Ports] = []
    run_until_ready(SMALL, started.append)
    chosen = (started[0].osc_in, started[0].osc_out, started[0].http)
    assert all(1024 <= port <= 65535 for port in chosen)
    assert started[0].oscquery == 0  # mDNS is off by default


def test_the_fault_port_taken_occupies_the_output_port() -> None:
    def ready(ports: Ports) -> None:
        with pytest.raises(StandinPortTaken, match=f"osc_in_port {ports.osc_out}"):
            serve(
                SMALL,
                seed=0,
                osc_in_port=ports.osc_out,
                osc_out_host="127.0.0.1",
                osc_out_port=0,
                http_port=0,
                ready=lambda ports: None,
                stop=threading.Event(),
            )

    run_until_ready(SMALL.model_copy(update={"faults": FaultsConfig(port_taken=True)}), ready)
