"""The child that asks PortAudio: prints SoundFacts as JSON. What the drivers say goes to stderr."""

import json
import sys
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from interfaces.doctor.sound import SoundFacts
from interfaces.standin.sound import Device, NoSound, choose

LISTEN_S = 0.5
QUIETEST_DB = -120.0


def facts(wanted: dict[str, Any]) -> SoundFacts:
    try:
        import sounddevice
    except ImportError as error:
        return SoundFacts(missing=f"the package sounddevice is missing ({error})")
    except OSError:  # the package is there, its library is not
        return SoundFacts(missing="PortAudio is missing")
    hosts = [str(host["name"]) for host in sounddevice.query_hostapis()]
    devices = [
        Device(
            int(each["index"]),
            str(each["name"]),
            hosts[int(each["hostapi"])],
            int(each["max_input_channels"]),
            int(each["max_output_channels"]),
        )
        for each in sounddevice.query_devices()
    ]
    found = SoundFacts(
        inputs=tuple(dict.fromkeys(each.name for each in devices if each.inputs)),
        outputs=tuple(dict.fromkeys(each.name for each in devices if each.outputs)),
    )
    ears = wanted["ears"]
    if ears["device"] is not None:
        found = _ears(found, devices, **ears)
    if wanted["voice"] is not None:
        found = _voice(found, devices, wanted["voice"])
    return found


def _ears(
    found: SoundFacts, devices: list[Device], device: str | int, rate: int, channels: int
) -> SoundFacts:
    import sounddevice

    try:
        chosen = choose(device, devices, "input")
        heard = sounddevice.rec(
            int(LISTEN_S * rate),
            samplerate=rate,
            channels=channels,
            device=chosen.index,
            dtype="float32",
            blocking=True,
            extra_settings=_settings(chosen),
        )
    except (NoSound, sounddevice.PortAudioError) as error:
        return replace(found, ears_error=str(error))
    rms = float(np.sqrt(np.mean(np.square(heard))))
    level_db = 20.0 * np.log10(max(rms, 1e-6))
    return replace(found, ears=chosen.name, ears_db=max(QUIETEST_DB, float(level_db)))


def _voice(found: SoundFacts, devices: list[Device], device: str | int) -> SoundFacts:
    import sounddevice

    try:
        chosen = choose(device, devices, "output")
        sounddevice.check_output_settings(
            device=chosen.index, channels=1, dtype="float32", extra_settings=_settings(chosen)
        )
    except (NoSound, sounddevice.PortAudioError) as error:
        return replace(found, voice_error=str(error))
    return replace(found, voice=chosen.name)


def _settings(chosen: Device) -> Any:
    """WASAPI takes no rate but the mixer's, unless it is told to convert."""
    import sounddevice

    return sounddevice.WasapiSettings(auto_convert=True) if "WASAPI" in chosen.host else None


if __name__ == "__main__":
    # ears_db is -inf where nothing was measured; JSON as Python writes it carries that.
    print(json.dumps(asdict(facts(json.loads(sys.argv[1])))))
