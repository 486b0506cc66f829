"""Check PortAudio, its devices and the level of the sound input, in a child: drivers may hang."""

import json
import math
import subprocess
import sys
from dataclasses import dataclass

from pydantic import TypeAdapter

from configs.reading.bounded_file import UnreadableFile
from configs.reading.json_document import OddNumbers, parse_json
from configs.world_settings import WorldConfig
from interfaces.doctor.check_machine import ROOT
from interfaces.doctor.findings import Finding, ok, problem, warning

CHILD_S = 10.0
SILENT_DB = -70.0  # below the noise of any cable that carries sound
PORTAUDIO = (
    "sudo apt-get install libportaudio2"
    if sys.platform == "linux"
    else "python -m pip install --force-reinstall sounddevice"  # it brings PortAudio along
)


@dataclass(frozen=True)
class SoundFacts:
    """What PortAudio reports.

    `missing`: why PortAudio cannot be used. `input_name`, `input_db` and `voice_name`: the
    configured devices and the level; an error takes their place.
    """

    missing: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    input_name: str = ""
    input_db: float = -math.inf
    input_error: str = ""
    voice_name: str = ""
    voice_error: str = ""


_FACTS = TypeAdapter(SoundFacts)


def sound_findings(world: WorldConfig) -> list[Finding]:
    """Whether PortAudio works and the configured devices exist. Takes up to CHILD_S seconds."""
    return findings_from(world, probe_sound(world))


def probe_sound(world: WorldConfig) -> SoundFacts:
    """Run the sound probe in a child process, which is ended after CHILD_S."""
    sound_input = {
        "device": world.audio_input.device,
        "rate": world.audio_input.rate_hz,
        "channels": world.audio_input.channels,
    }
    wanted = json.dumps({"input": sound_input, "voice": world.voice.device})
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
    try:
        return parse_json(done.stdout, "the sound probe", _FACTS, odd_numbers=OddNumbers.KEEP)
    except UnreadableFile as error:  # a driver may print too
        return SoundFacts(missing=str(error))


def findings_from(world: WorldConfig, facts: SoundFacts) -> list[Finding]:
    """A missing PortAudio is a problem only if a setting needs it."""
    needed = [
        f"world.{key}"
        for key, device in (
            ("audio_input.device", world.audio_input.device),
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
        text = f"{facts.missing}; no setting needs it"
        return [warning("PortAudio", text, f"for sound input and voice: {PORTAUDIO}")]
    findings = [_listed("inputs", facts.inputs), _listed("outputs", facts.outputs)]
    if world.audio_input.device is None:
        findings.append(ok("ears", "no sound input is configured: world.audio_input.device=NAME"))
    else:
        findings.append(_input_finding(facts))
    if world.voice.device is None:
        findings.append(ok("voice", "no output is configured: world.voice.device=NAME"))
    elif facts.voice_error:
        remedy = "world.voice.device=NAME, one of the outputs"
        findings.append(problem("voice", facts.voice_error, remedy))
    else:
        findings.append(ok("voice", facts.voice_name))
    return findings


def _listed(what: str, names: tuple[str, ...]) -> Finding:
    return ok(what, "; ".join(names) or "none")


def _input_finding(facts: SoundFacts) -> Finding:
    if facts.input_error:
        return problem(
            "ears", facts.input_error, "world.audio_input.device=NAME, one of the inputs"
        )
    if facts.input_db < SILENT_DB:
        text = f"{facts.input_name}: silence"
        remedy = "send VRChat's sound to it: Volume mixer on Windows, pavucontrol on Linux"
        return warning("ears", text, remedy)
    return ok("ears", f"{facts.input_name}, level {facts.input_db:.0f} dB")
