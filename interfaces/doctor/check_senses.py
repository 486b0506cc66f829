"""Check contacts and rays while the avatar turns once on the spot, and name those that fail."""

import contextlib
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path

from configs.errors import BadInput
from configs.schema import Config
from configs.world_settings import WorldConfig
from interfaces.doctor.check_clients import select_client
from interfaces.doctor.findings import Finding, ok, warning
from interfaces.doctor.sense_answers import HeardParameters, Trouble, contact_trouble, ray_trouble
from interfaces.osc.oscquery_browser import Peer
from interfaces.runtime.guarded_client import GuardedClient, MovementStopped
from interfaces.runtime.live_control.run_control import find_live_run
from interfaces.runtime.run_folder import RunError
from interfaces.vrchat.client_finder import Avatar, read_avatar
from interfaces.vrchat.endpoints import Endpoints, client_endpoints, resolve_host

_AXIS = "LookHorizontal"
_FIRST_WAIT_S, _LAST_WAIT_S = 3.0, 0.4  # until the client knows our port; until it is at rest
_STILL_S = 2.0  # how long to listen if the avatar must not turn
_MAX_TURN_S = 8.0
_SHOWN = 6  # names in one line
_TURNS = (
    "The avatar now turns once on the spot, to check contacts and rays (--no-turn leaves it still)."
)
_CLIENT_FIRST = "first do what the finding `client` says"


def sense_findings(
    config: Config,
    main: Path,
    find_clients: Callable[[], Sequence[Peer]],
    *,
    turn: bool = True,
    announce: Callable[[str], object] = print,
) -> list[Finding]:
    """How many contacts and rays answer, and what is wrong with the others.

    With `turn` the avatar turns once on the spot; a guard releases the input, however this ends.
    `announce` gets a line for the user just before. `main`: path of main.py.
    """
    world, clients = config.world, find_clients()
    client, about_client = select_client(world, clients)
    if client is None and world.kind == "standin":
        return [ok("senses", "not asked: a run starts its own stand-in")]
    if client is None and (clients or world.osc.oscquery):
        return [warning("senses", "not asked: no client is chosen", _CLIENT_FIRST)]
    heard = HeardParameters((*world.contacts.names, *world.rays.parameters))
    avatar = _listing(client)
    heard.add_listing(avatar)
    findings: list[Finding] = []
    if turn and (reason := _why_still(config, avatar, about_client, heard)):
        turn = False
        findings.append(ok("turn", f"the avatar stays still: {reason}"))
    try:
        host = resolve_host(world.osc.host)
        endpoints = client_endpoints(world.osc, host, "", client)
        _listen(config, endpoints, main, heard, announce if turn else None)
        if turn and not heard.turned:
            findings.append(_did_not_turn(heard))
    except (BadInput, MovementStopped) as error:
        cure = "close the other program, or see the finding `receive port`"
        findings.append(warning("turn", f"the avatar did not turn: {error}", cure))
    heard.add_listing(_listing(client))
    return [*answer_findings(world, heard, listed=bool(avatar.values)), *findings]


def answer_findings(world: WorldConfig, heard: HeardParameters, *, listed: bool) -> list[Finding]:
    """One line with the numbers, and one for each kind of trouble with the names.

    `listed`: the client listed its parameters.
    """
    contacts = {
        name: contact_trouble(
            heard.answers.get(name), world.contacts, listed=listed, turned=heard.turned
        )
        for name in world.contacts.names
    }
    rays = {name: ray_trouble(name, heard.answers, listed=listed) for name in world.rays.names}
    details = [
        *_troubles("contacts", contacts, may_lack=world.contacts.mode == "auto"),
        *_troubles("rays", rays, may_lack=world.rays.mode == "auto"),
    ]
    counts = [
        f"{sum(trouble is None for trouble in senses.values())} of {len(senses)} {what}"
        for what, senses in (("contacts", contacts), ("rays", rays))
        if senses
    ]
    how = "while the avatar turned" if heard.turned else "without a turn of the avatar"
    text = f"{'; '.join(counts)} answer, {how}"
    if heard.prefixed:
        text += f"; {len(heard.prefixed)} parameters have a prefix of VRCFury"
    if all(each.level == "ok" for each in details):
        return [ok("senses", text), *details]
    cure = "see the next lines; a run goes on without those that fail"
    return [warning("senses", text, cure), *details]


def _troubles(what: str, senses: Mapping[str, Trouble | None], *, may_lack: bool) -> list[Finding]:
    """One finding for each kind of trouble."""
    groups: dict[Trouble, list[str]] = {}
    for name, trouble in senses.items():
        if trouble is not None:
            groups.setdefault(trouble, []).append(name)
    findings: list[Finding] = []
    for trouble, names in groups.items():
        if trouble.missing and may_lack:
            findings.append(ok(what, f"{name_list(names)}: {trouble.text}; mode auto allows it"))
        else:
            findings.append(warning(what, f"{name_list(names)}: {trouble.text}", trouble.cure))
    return findings


def name_list(names: Sequence[str]) -> str:
    """The names, where NAME3, NAME4, NAME5 become `NAME3 to NAME5`, and at most six parts."""
    runs: list[list[str]] = []
    for name in names:
        if runs and name == _next_name(runs[-1][-1]):
            runs[-1].append(name)
        else:
            runs.append([name])
    parts: list[str] = []
    for run in runs:
        parts += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else run
    shown = ", ".join(parts[:_SHOWN])
    return shown if len(parts) <= _SHOWN else f"{shown} and others, {len(names)} in all"


def _next_name(name: str) -> str:
    """The name with the next number; a name may go on behind its number."""
    numbers = list(re.finditer(r"\d+", name))
    if not numbers:
        return ""
    last = numbers[-1]
    return f"{name[: last.start()]}{int(last.group()) + 1}{name[last.end() :]}"


def _why_still(
    config: Config, avatar: Avatar, about_client: Sequence[Finding], heard: HeardParameters
) -> str:
    """Why the avatar must not turn; "" if it may."""
    world = config.world
    if any(finding.level == "problem" for finding in about_client):
        return _CLIENT_FIRST
    if world.limits.avatars and avatar.id not in world.limits.avatars:
        return f"world.limits.avatars does not allow {avatar.id or 'an unknown avatar'}"
    stop = world.control.stop_parameter
    if stop and avatar.values.get(stop) is True:
        return f"the stop parameter {stop} is on"
    if avatar.values and not heard.answers:
        return "it has none of the contacts and rays"
    with contextlib.suppress(RunError):
        return f"a run moves it: {find_live_run(None).path}"
    return ""


def _listen(
    config: Config,
    endpoints: Endpoints,
    main: Path,
    heard: HeardParameters,
    announce: Callable[[str], object] | None,
) -> None:
    """Receive until the avatar has turned once; without `announce` it stays still.

    Raises BadInput and MovementStopped.
    """
    turn_s = min(_MAX_TURN_S, 360.0 / config.world.measured.turn_deg_s + 0.2)
    with GuardedClient(config, endpoints, main, threading.Event(), heard.receive) as client:
        if endpoints.advertised:  # the client sends once it has found this port
            client.wait(_FIRST_WAIT_S, lambda: heard.received > 0)
        if announce is not None:
            announce(_TURNS)
            client.send(_AXIS, 1.0)
            client.wait(turn_s)
            client.rest()
        client.wait(_STILL_S if announce is None else _LAST_WAIT_S)


def _listing(client: Peer | None) -> Avatar:
    """What the client lists; without values if it does not answer."""
    if client is None:
        return Avatar()
    try:
        return read_avatar(client.host, client.http_port)
    except (OSError, ValueError, HTTPException):
        return Avatar()


def _did_not_turn(heard: HeardParameters) -> Finding:
    text = "the avatar did not turn"
    if not heard.received:
        return warning("turn", f"{text}: no message arrived", "see the finding `receive port`")
    cure = "close the menus, put VRChat in front, stand up from a seat, and try again"
    return warning("turn", f"{text}: AngularY stayed 0", cure)
