"""The child that asks PortAudio: prints SoundFacts as JSON. What the drivers say goes to stderr."""

import json
import sys
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from interfaces.devices.audio_device import (
    Device,
    NoSound,
    choose,
    devices,
    load_portaudio,
    settings_for,
)
from interfaces.doctor.check_sound import SoundFacts

LISTEN_S = 0.5
QUIETEST_DB = -120.0


def facts(wanted: dict[str, Any]) -> SoundFacts:
    try:
        found_devices = devices(load_portaudio())
    except NoSound as error:
        return SoundFacts(missing=str(error))
    found = SoundFacts(
        inputs=tuple(dict.fromkeys(each.name for each in found_devices if each.inputs)),
        outputs=tuple(dict.fromkeys(each.name for each in found_devices if each.outputs)),
    )
    ears = wanted["ears"]
    if ears["device"] is not None:
        found = _ears(found, found_devices, **ears)
    if wanted["voice"] is not None:
        found = _voice(found, found_devices, wanted["voice"])
    return found


def _ears(
    found: SoundFacts, able: list[Device], device: str | int, rate: int, channels: int
) -> SoundFacts:
    import sounddevice

    try:
        chosen = choose(device, able, "input")
        heard = sounddevice.rec(
            int(LISTEN_S * rate),
            samplerate=rate,
            channels=channels,
            device=chosen.index,
            dtype="float32",
            blocking=True,
            extra_settings=settings_for(chosen),
        )
    except (NoSound, sounddevice.PortAudioError) as error:
        return replace(found, ears_error=str(error))
    rms = float(np.sqrt(np.mean(np.square(heard))))
    level_db = 20.0 * np.log10(max(rms, 1e-6))
    return replace(found, ears=chosen.name, ears_db=max(QUIETEST_DB, float(level_db)))


def _voice(found: SoundFacts, able: list[Device], device: str | int) -> SoundFacts:
    import sounddevice

    try:
        chosen = choose(device, able, "output")
        sounddevice.check_output_settings(
            device=chosen.index, channels=1, dtype="float32", extra_settings=settings_for(chosen)
        )
    except (NoSound, sounddevice.PortAudioError) as error:
        return replace(found, voice_error=str(error))
    return replace(found, voice=chosen.name)


if __name__ == "__main__":
    # ears_db is -inf where nothing was measured; JSON as Python writes it carries that.
    print(json.dumps(asdict(facts(json.loads(sys.argv[1])))))
