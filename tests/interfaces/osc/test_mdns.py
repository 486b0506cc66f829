"""Advertising by mDNS: other programs find the services until they are closed."""

import gc
import queue
import threading
import time

import pytest
from loguru import logger
from zeroconf import ServiceBrowser, ServiceStateChange, Zeroconf

from interfaces.osc.mdns import OSC, OSCJSON, Advertiser
from interfaces.osc.oscquery_browser import Browser
from tests.interfaces.osc.services import (
    HOST_INFO,
    TIMEOUT_S,
    http_request,
    make_service,
    strict_json,
    unique_name,
)


@pytest.fixture
def wait_for_change(mdns):
    """A function that waits until plain mDNS has seen this change of each of these services."""
    changes: queue.Queue[tuple[str, ServiceStateChange]] = queue.Queue()

    def note(zeroconf, service_type, name, state_change):
        changes.put((name, state_change))

    def wait(change, *names):
        deadline, missing = time.perf_counter() + TIMEOUT_S, {(name, change) for name in names}
        while missing:
            missing.discard(changes.get(timeout=max(0.0, deadline - time.perf_counter())))

    browser = ServiceBrowser(mdns, [OSCJSON, OSC], handlers=[note])
    yield wait
    browser.cancel()


def test_services_are_found_until_the_advertiser_closes(server, mdns, wait_for_change):
    name = unique_name()
    services = f"{name}.{OSCJSON}", f"{name}.{OSC}"
    before = time.perf_counter()
    advertiser = Advertiser(name, server.port, 9123)
    assert time.perf_counter() - before < 0.5, "the constructor must not wait for mDNS"
    try:
        wait_for_change(ServiceStateChange.Added, *services)
        info = mdns.get_service_info(OSCJSON, f"{name}.{OSCJSON}")
        assert info.parsed_addresses() == ["127.0.0.1"]
        assert info.properties == {b"txtvers": b"1"}
        assert strict_json(http_request(info.port, "/?HOST_INFO")[2]) == HOST_INFO
        assert mdns.get_service_info(OSC, f"{name}.{OSC}").port == 9123
    finally:
        advertiser.close()
    wait_for_change(ServiceStateChange.Removed, *services)


@pytest.mark.parametrize("name", ["yume.1", ".", "", "x" * 64, "夢" * 22, "a\nb"])
def test_name_that_mdns_cannot_carry_is_refused(name):
    with pytest.raises(ValueError, match="dot" if "." in name else "printable"):
        Advertiser(name, 1, 1)


@pytest.mark.parametrize("after_s", [0.0, 0.003, 0.1])  # not started, opening sockets, probing
def test_early_close_is_quick_and_leaves_no_thread(after_s):
    makers = [lambda: Advertiser(unique_name(), 1, 1), lambda: Browser(print, print)]
    before = time.perf_counter()
    for make in makers * 3:
        closable = make()
        threading.Event().wait(after_s)
        closable.close()
        closable.close()
    assert time.perf_counter() - before < len(makers) * 3 * 2.5
    assert not any(thread.name.startswith("oscquery: ") for thread in threading.enumerate())
    gc.collect()  # a socket left open gives a warning here


def test_taken_name_is_logged_and_stays_with_its_owner(mdns):
    name = unique_name()
    info = make_service(name, 4711)
    mdns.register_service(info, cooperating_responders=True)
    lines: queue.Queue[str] = queue.Queue()
    sink = logger.add(lines.put, level="WARNING", format="{message}")
    advertiser = Advertiser(name, 4712, 1)
    try:
        deadline = time.perf_counter() + TIMEOUT_S
        # The owner announces itself to all sockets. Its answer to the probe goes to one address and
        # port, and the system picks one of the sockets there.
        while lines.empty() and time.perf_counter() < deadline:
            mdns.update_service(info)
        line = lines.get_nowait()
        assert name in line
        assert "NonUniqueName" in line
    finally:
        advertiser.close()
        logger.remove(sink)
    assert lines.empty()
    with Zeroconf(interfaces=["127.0.0.1"]) as other:
        service = OSCJSON, f"{name}.{OSCJSON}"
        # A request can miss an address of its own answer. The next request has it in the cache.
        found = other.get_service_info(*service, timeout=1500) or other.get_service_info(*service)
        assert found.port == 4711


def test_name_that_is_still_taken_is_advertised_once_it_is_free(mdns, wait_for_change):
    """As after a restart: the goodbye of the earlier program may still be on its way."""
    name = unique_name()
    earlier = make_service(name, 8_001)
    mdns.register_service(earlier)
    advertiser = Advertiser(name, 8_002, 9_001)
    try:
        time.sleep(1.0)  # the name is refused at least once
        mdns.unregister_service(earlier)
        wait_for_change(ServiceStateChange.Removed, f"{name}.{OSCJSON}")
        wait_for_change(ServiceStateChange.Added, f"{name}.{OSCJSON}")
        assert mdns.get_service_info(OSCJSON, f"{name}.{OSCJSON}").port == 8_002
    finally:
        advertiser.close()
