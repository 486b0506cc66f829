"""Audio devices are selected by index or by name, and errors name what there is."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from configs.errors import BadInput
from interfaces.devices.audio_device import (
    Device,
    NoSound,
    choose_device,
    close_stream,
    list_devices,
    open_stream,
)
from interfaces.standin.sound.sound_io import Microphone, Speaker

DEVICES = [
    Device(0, "CABLE Input (VB-Audio Virtual C", "MME", 0, 2),
    Device(1, "Speakers (Realtek)", "MME", 0, 2),
    Device(2, "CABLE Output (VB-Audio Virtual Cable)", "Windows WASAPI", 2, 0),
    Device(3, "CABLE Input (VB-Audio Virtual Cable)", "Windows WASAPI", 0, 2),
    Device(4, "Speakers (Realtek)", "Windows WASAPI", 0, 2),
    Device(5, "Speakers", "Windows WDM-KS", 0, 2),
    Device(6, "pulse", "ALSA", 32, 32),
    Device(7, "pulse two", "ALSA", 32, 32),
]


@pytest.mark.parametrize(
    ("wanted", "kind", "index"),
    [
        (1, "output", 1),
        ("1", "output", 1),
        ("cable input", "output", 3),  # WASAPI is preferred: it has the whole name
        ("CABLE", "input", 2),
        ("realtek", "output", 4),
        ("speakers", "output", 5),  # an exact name is preferred
        ("pulse", "input", 6),
    ],
)
def test_a_device_is_selected_by_index_or_by_part_of_its_name(
    wanted: str | int, kind: Any, index: int
) -> None:
    assert choose_device(wanted, DEVICES, kind).index == index


@pytest.mark.parametrize(
    ("wanted", "kind", "message"),
    [
        ("Voicemeeter", "output", "no such device. Choose one of: 0 CABLE Input"),
        (99, "output", "99: no such device"),
        (-1, "output", "-1: no such device"),
        (2, "output", "no such device"),  # an input
        ("puls", "input", "several devices match. Choose one of: 6 pulse (ALSA); 7"),
    ],
)
def test_an_unknown_or_ambiguous_device_is_refused_with_the_names(
    wanted: str | int, kind: Any, message: str
) -> None:
    with pytest.raises(BadInput) as caught:
        choose_device(wanted, DEVICES, kind)
    assert message in str(caught.value)
    with pytest.raises(NoSound, match="none found"):
        choose_device(wanted, [], kind)


def test_a_missing_portaudio_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    for make in (Speaker, Microphone):
        with pytest.raises(NoSound, match="the package sounddevice is missing"):
            make("pulse")


def test_device_name_that_is_no_text_is_listed_with_a_mark() -> None:
    def query(index: int | None = None) -> object:
        if index == 0:
            return {
                "index": 0,
                "name": "Mic",
                "hostapi": 0,
                "max_input_channels": 1,
                "max_output_channels": 0,
            }
        return "マイク".encode()[:-1].decode()  # raises, as sounddevice does

    info = SimpleNamespace(hostApi=0, maxInputChannels=2, maxOutputChannels=0)
    library = SimpleNamespace(Pa_GetDeviceCount=lambda: 2, Pa_GetDeviceInfo=lambda index: info)
    sounddevice = SimpleNamespace(
        query_devices=query, query_hostapis=lambda: [{"name": "ALSA"}], _lib=library
    )
    names = [(each.name, each.inputs) for each in list_devices(sounddevice)]
    assert names == [("Mic", 1), ("マイ\ufffd", 2)]


class WindowsSound:
    """Plays the package sounddevice on Windows: one cable by two host APIs."""

    class PortAudioError(Exception):
        pass

    def __init__(self, rates: tuple[int, ...]) -> None:
        self.rates, self.streams = rates, []
        sound = self

        class Stream:
            def __init__(self, **settings: Any) -> None:
                self.settings, self.calls, self.closed = settings, [], False
                converts = settings["extra_settings"] == {"auto_convert": True}
                if not converts and settings["samplerate"] not in sound.rates:
                    raise sound.PortAudioError("Invalid sample rate")
                sound.streams.append(self)

            def start(self) -> None:
                self.calls.append("start")

            def abort(self) -> None:
                self.calls.append("abort")

            def close(self) -> None:
                self.calls.append("close")
                self.closed = True

        self.InputStream = self.OutputStream = Stream

    def WasapiSettings(self, auto_convert: bool) -> dict[str, bool]:
        return {"auto_convert": auto_convert}

    def query_hostapis(self) -> list[dict[str, str]]:
        return [{"name": "MME"}, {"name": "Windows WASAPI"}]

    def query_devices(self) -> list[dict[str, object]]:
        channels = {"max_input_channels": 2, "max_output_channels": 0}
        names = ("CABLE Output (VB-Audio Virtual ", "CABLE Output (VB-Audio Virtual Cable)")
        return [
            {"index": i, "name": name, "hostapi": i, **channels} for i, name in enumerate(names)
        ]


def test_wasapi_converts_the_rate_of_its_mixer(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = WindowsSound(rates=(48_000,))
    monkeypatch.setitem(sys.modules, "sounddevice", sound)
    stream = open_stream("input", "CABLE Output", 16_000, 160, 0.05, 1, None)
    assert stream.settings["device"] == 1, "WASAPI, which has the whole name"
    assert stream.settings["extra_settings"] == {"auto_convert": True}
    assert (stream.settings["samplerate"], stream.settings["channels"]) == (16_000, 1)
    close_stream(stream)
    close_stream(stream)
    assert stream.calls == ["start", "abort", "close"]


def test_a_rate_that_another_host_api_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", WindowsSound(rates=(48_000,)))
    with pytest.raises(NoSound, match=r"\(MME\) does not open with 1 channels at 16000 Hz: Inval"):
        open_stream("input", 0, 16_000, 160, 0.05, 1, None)
