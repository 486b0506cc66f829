"""Audio devices through PortAudio, which is loaded only when used."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from configs.errors import BadInput

Kind = Literal["input", "output"]

_PREFERRED_HOST = "Windows WASAPI"  # other host APIs cut names at 31 letters, or are slow


class NoSound(BadInput):
    """PortAudio or a device is missing, or the device does not open."""


@dataclass(frozen=True)
class Device:
    """An audio device as PortAudio lists it. `host` is the name of its host API."""

    index: int
    name: str
    host: str
    inputs: int
    outputs: int


def load_portaudio() -> Any:
    """Import the package sounddevice. Raises NoSound when it or PortAudio is missing."""
    try:
        import sounddevice
    except ImportError as error:
        raise NoSound(f"the package sounddevice is missing ({error})") from error
    except OSError as error:  # the package is installed, PortAudio is not
        cure = ": apt-get install libportaudio2" if sys.platform.startswith("linux") else ""
        raise NoSound(f"PortAudio is missing{cure}") from error
    return sounddevice


def list_devices(sounddevice: Any) -> list[Device]:
    """All devices that were connected when PortAudio was loaded."""
    hosts = [str(host["name"]) for host in sounddevice.query_hostapis()]
    return [
        Device(
            int(each["index"]),
            str(each["name"]),
            hosts[int(each["hostapi"])],
            int(each["max_input_channels"]),
            int(each["max_output_channels"]),
        )
        for each in _query_devices(sounddevice)
    ]


def _query_devices(sounddevice: Any) -> list[dict[str, Any]]:
    """What PortAudio tells of each device. A driver may cut a name within a character."""
    try:
        return list(sounddevice.query_devices())
    except UnicodeDecodeError:
        library = sounddevice._lib
        return [_query_device(sounddevice, index) for index in range(library.Pa_GetDeviceCount())]


def _query_device(sounddevice: Any, index: int) -> dict[str, Any]:
    try:
        return sounddevice.query_devices(index)
    except UnicodeDecodeError as error:
        info = sounddevice._lib.Pa_GetDeviceInfo(index)
        return {
            "index": index,
            "name": error.object.decode("utf-8", "replace"),
            "hostapi": info.hostApi,
            "max_input_channels": info.maxInputChannels,
            "max_output_channels": info.maxOutputChannels,
        }


def choose_device(wanted: str | int, devices: Sequence[Device], kind: Kind) -> Device:
    """Select the device by its index or name, else by a part of its name. Case is ignored.

    For a device with several host APIs, WASAPI is preferred, then the first one. Raises NoSound
    with the list of devices when none or several match.
    """
    usable = [each for each in devices if (each.inputs if kind == "input" else each.outputs) > 0]
    if isinstance(wanted, int) or wanted.isdecimal():
        matching = [each for each in usable if each.index == int(wanted)]
    else:
        exact = [each for each in usable if each.name.lower() == wanted.lower()]
        matching = exact or [each for each in usable if wanted.lower() in each.name.lower()]
        hosts = [each.host for each in matching]
        host = _PREFERRED_HOST if _PREFERRED_HOST in hosts else next(iter(hosts), "")
        matching = [each for each in matching if each.host == host]
    if len(matching) == 1:
        return matching[0]
    problem = "several devices match" if matching else "no such device"
    names = "; ".join(f"{each.index} {each.name} ({each.host})" for each in matching or usable)
    raise NoSound(f"sound {kind} {wanted!r}: {problem}. Choose one of: {names or 'none found'}")


def settings_for(chosen: Device) -> Any:
    """Make WASAPI convert the sample rate. Otherwise it accepts only the rate of its mixer."""
    if chosen.host != _PREFERRED_HOST:
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
    """Open and start a PortAudio stream.

    `block` is the number of frames in one call of `callback`, whose blocks are float32 (block,
    channels). Raises NoSound.
    """
    sounddevice = load_portaudio()
    chosen = choose_device(device, list_devices(sounddevice), kind)
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
    """Stop the stream at once and free the device. Safe to call more than once."""
    if not stream.closed:
        stream.abort()
        stream.close()
