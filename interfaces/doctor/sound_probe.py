"""The child process that asks PortAudio. It prints SoundFacts as JSON; drivers print to stderr."""

import json
import sys
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from interfaces.devices.audio_device import (
    Device,
    NoSound,
    choose_device,
    list_devices,
    load_portaudio,
    settings_for,
)
from interfaces.doctor.check_sound import SoundFacts

LISTEN_S = 0.5
QUIETEST_DB = -120.0


def sound_facts(wanted: dict[str, Any]) -> SoundFacts:
    """List the devices and try the configured ones; `wanted` is the JSON of check_sound."""
    try:
        devices = list_devices(load_portaudio())
    except NoSound as error:
        return SoundFacts(missing=str(error))
    facts = SoundFacts(
        inputs=tuple(dict.fromkeys(each.name for each in devices if each.inputs)),
        outputs=tuple(dict.fromkeys(each.name for each in devices if each.outputs)),
    )
    sound_input = wanted["input"]
    if sound_input["device"] is not None:
        facts = _try_input(facts, devices, **sound_input)
    if wanted["voice"] is not None:
        facts = _try_output(facts, devices, wanted["voice"])
    return facts


def _try_input(
    facts: SoundFacts, devices: list[Device], device: str | int, rate: int, channels: int
) -> SoundFacts:
    """Record for LISTEN_S and measure the level in dB relative to full scale."""
    import sounddevice

    try:
        chosen = choose_device(device, devices, "input")
        recorded = sounddevice.rec(
            int(LISTEN_S * rate),
            samplerate=rate,
            channels=channels,
            device=chosen.index,
            dtype="float32",
            blocking=True,
            extra_settings=settings_for(chosen),
        )
    except (NoSound, sounddevice.PortAudioError) as error:
        return replace(facts, input_error=str(error))
    rms = float(np.sqrt(np.mean(np.square(recorded))))
    level_db = 20.0 * np.log10(max(rms, 1e-6))
    return replace(facts, input_name=chosen.name, input_db=max(QUIETEST_DB, float(level_db)))


def _try_output(facts: SoundFacts, devices: list[Device], device: str | int) -> SoundFacts:
    import sounddevice

    try:
        chosen = choose_device(device, devices, "output")
        sounddevice.check_output_settings(
            device=chosen.index, channels=1, dtype="float32", extra_settings=settings_for(chosen)
        )
    except (NoSound, sounddevice.PortAudioError) as error:
        return replace(facts, voice_error=str(error))
    return replace(facts, voice_name=chosen.name)


if __name__ == "__main__":
    # input_db is -inf without a measurement: Python writes and reads it as -Infinity.
    print(json.dumps(asdict(sound_facts(json.loads(sys.argv[1])))))
