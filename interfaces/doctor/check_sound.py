"""PortAudio, its devices, and how loud the ears' device is. Asked in a child: drivers hang."""

import json
import math
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from configs.schema import WorldConfig
from interfaces.doctor.check_machine import ROOT
from interfaces.doctor.findings import Finding, ok, problem, warning

CHILD_S = 10.0
SILENT_DB = -70.0  # below the noise of a cable that carries anything
PORTAUDIO = "sudo apt-get install libportaudio2"


@dataclass(frozen=True)
class SoundFacts:
    """What PortAudio told. `missing`: why there is none. An error stands for a device's level."""

    missing: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    ears: str = ""
    ears_db: float = -math.inf
    ears_error: str = ""
    voice: str = ""
    voice_error: str = ""


def sound_findings(world: WorldConfig) -> list[Finding]:
    return findings_of(world, ask(world))


def ask(world: WorldConfig) -> SoundFacts:
    """PortAudio's word, from a child that can be ended."""
    ears = {
        "device": world.ears.device,
        "rate": world.ears.rate_hz,
        "channels": world.ears.channels,
    }
    wanted = json.dumps({"ears": ears, "voice": world.voice.device})
    child = [sys.executable, "-m", "interfaces.doctor.sound_probe", wanted]
    try:
        done = subprocess.run(
            child,
            cwd=ROOT,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CHILD_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return SoundFacts(missing=f"a driver did not answer within {CHILD_S:g} s")
    if done.returncode:
        return SoundFacts(missing=done.stderr.strip().rpartition("\n")[2] or "PortAudio crashed")
    told: dict[str, Any] = json.loads(done.stdout)
    return SoundFacts(**told)


def findings_of(world: WorldConfig, facts: SoundFacts) -> list[Finding]:
    """Sound that is not configured is no problem when it is missing."""
    needed = [
        f"world.{key}"
        for key, device in (
            ("ears.device", world.ears.device),
            ("voice.device", world.voice.device),
            ("standin.speaker", world.standin.speaker),
            ("standin.microphone", world.standin.microphone),
        )
        if device is not None
    ]
    if facts.missing:
        if needed:
            text = f"{facts.missing}; needed by {', '.join(needed)}"
            return [problem("PortAudio", text, PORTAUDIO)]
        text = f"{facts.missing}; nothing configured needs it"
        return [warning("PortAudio", text, f"for ears and voice: {PORTAUDIO}")]
    found = [_listed("inputs", facts.inputs), _listed("outputs", facts.outputs)]
    if world.ears.device is None:
        found.append(ok("ears", "none configured: world.ears.device=NAME"))
    else:
        found.append(_ears(facts))
    if world.voice.device is None:
        found.append(ok("voice", "none configured: world.voice.device=NAME"))
    elif facts.voice_error:
        found.append(problem("voice", facts.voice_error, "world.voice.device=NAME, of the outputs"))
    else:
        found.append(ok("voice", facts.voice))
    return found


def _listed(what: str, names: tuple[str, ...]) -> Finding:
    return ok(what, "; ".join(names) or "none")


def _ears(facts: SoundFacts) -> Finding:
    if facts.ears_error:
        return problem("ears", facts.ears_error, "world.ears.device=NAME, of the inputs")
    if facts.ears_db < SILENT_DB:
        text = f"{facts.ears}: silence"
        cure = "send VRChat's sound to it: in Windows' Volume mixer, in Linux' pavucontrol"
        return warning("ears", text, cure)
    return ok("ears", f"{facts.ears}, level {facts.ears_db:.0f} dB")
