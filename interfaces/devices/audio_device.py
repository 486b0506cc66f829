"""Sound devices, through PortAudio, which is loaded only when used."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from configs.errors import BadInput

Kind = Literal["input", "output"]

_FAVOURITE = "Windows WASAPI"  # the others there cut names at 31 letters, or are slow


class NoSound(BadInput):
    """PortAudio or a device is missing, or the device refuses."""


@dataclass(frozen=True)
class Device:
    """A sound device as PortAudio lists it. `host`: the system's interface it is reached by."""

    index: int
    name: str
    host: str
    inputs: int
    outputs: int


def load_portaudio() -> Any:
    """The package sounddevice. Raises NoSound where it or its library is missing."""
    try:
        import sounddevice
    except ImportError as error:
        raise NoSound(f"the package sounddevice is missing ({error})") from error
    except OSError as error:  # the package is there, its library is not
        cure = ": apt-get install libportaudio2" if sys.platform.startswith("linux") else ""
        raise NoSound(f"PortAudio is missing{cure}") from error
    return sounddevice


def devices(sounddevice: Any) -> list[Device]:
    """All there are, as PortAudio saw them when it was loaded."""
    hosts = [str(host["name"]) for host in sounddevice.query_hostapis()]
    return [
        Device(
            int(each["index"]),
            str(each["name"]),
            hosts[int(each["hostapi"])],
            int(each["max_input_channels"]),
            int(each["max_output_channels"]),
        )
        for each in sounddevice.query_devices()
    ]


def choose(wanted: str | int, devices: Sequence[Device], kind: Kind) -> Device:
    """The device of that index, or of that name, or with that in its name, whatever the case.

    One behind several interfaces of the system: WASAPI, else the first. Raises NoSound, which
    lists the names there are, for none and for several.
    """
    able = [each for each in devices if (each.inputs if kind == "input" else each.outputs) > 0]
    if isinstance(wanted, int) or wanted.isdecimal():
        found = [each for each in able if each.index == int(wanted)]
    else:
        exact = [each for each in able if each.name.lower() == wanted.lower()]
        found = exact or [each for each in able if wanted.lower() in each.name.lower()]
        hosts = [each.host for each in found]
        host = _FAVOURITE if _FAVOURITE in hosts else next(iter(hosts), "")
        found = [each for each in found if each.host == host]
    if len(found) == 1:
        return found[0]
    what = "several are called like that" if found else "there is none"
    names = "; ".join(f"{each.index} {each.name} ({each.host})" for each in found or able)
    raise NoSound(f"sound {kind} {wanted!r}: {what}. Allowed is one of: {names or 'nothing here'}")


def settings_for(chosen: Device) -> Any:
    """WASAPI takes no rate but the mixer's, unless it is told to convert."""
    if chosen.host != _FAVOURITE:
        return None
    return load_portaudio().WasapiSettings(auto_convert=True)


def open_stream(
    kind: Kind,
    device: str | int,
    sample_rate: int,
    block: int,
    latency_s: float,
    channels: int,
    callback: Any,
) -> Any:
    """A stream of PortAudio, started; `callback` gets float32 blocks. Raises NoSound."""
    sounddevice = load_portaudio()
    chosen = choose(device, devices(sounddevice), kind)
    stream_kind = sounddevice.InputStream if kind == "input" else sounddevice.OutputStream
    stream = None
    try:
        stream = stream_kind(
            device=chosen.index,
            samplerate=sample_rate,
            blocksize=block,
            channels=channels,
            dtype="float32",
            latency=latency_s,
            extra_settings=settings_for(chosen),
            callback=callback,
        )
        stream.start()
    except sounddevice.PortAudioError as error:
        if stream is not None:
            stream.close()
        raise NoSound(
            f"sound {kind} {chosen.name!r} ({chosen.host}) does not open with {channels} channels "
            f"at {sample_rate} Hz: {error}"
        ) from error
    return stream


def close_stream(stream: Any) -> None:
    """Fall silent and free the device. Twice does no harm."""
    if not stream.closed:
        stream.abort()
        stream.close()
