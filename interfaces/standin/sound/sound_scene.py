"""What the agent hears of the place and what it says in it, where sound was asked for."""

import zlib

from configs.standin import StandinConfig
from interfaces.devices.wav import read_wav
from interfaces.standin.core import StandinCore
from interfaces.standin.people import Person
from interfaces.standin.sound.mixer import Listener, Mono, Source, ambience
from interfaces.standin.sound.sound_io import SILENCE, Microphone, Speaker
from interfaces.standin.sound.voice_synthesis import babble

TALK_S = 2.5  # a phrase; a talker stays for three seconds
PHRASES = 4


class Hearing:
    """A loudspeaker for the ears of the agent, a microphone for its voice; silence without."""

    def __init__(self, config: StandinConfig, seed: int) -> None:
        """Raises NoSound for a device that cannot be had, BadWav for a file that is none."""
        self._seed = seed
        self._speech = None if config.speech is None else read_wav(config.speech)
        self._spoken: dict[tuple[int, str], int] = {}  # how often who was heard to begin, by world
        self._talks: dict[str, tuple[Mono, int]] = {}  # what each one says, and since which sample
        self._speaker: Speaker | None = None
        self._microphone: Microphone | None = None
        if config.speaker is not None:
            self._speaker = Speaker(config.speaker, ambient=ambience(seed))
        if config.microphone is not None:
            try:
                self._microphone = Microphone(config.microphone)
            except BaseException:
                self.close()
                raise

    def microphone(self) -> tuple[float, int]:
        """Level 0..1 and viseme 0..14 of what the agent says now."""
        if self._microphone is None:
            return 0.0, SILENCE
        level = self._microphone.level()
        return level, self._microphone.viseme() if level else SILENCE

    def update(self, core: StandinCore) -> None:
        """Let the loudspeaker know who is where and who has begun to speak."""
        speaker = self._speaker
        if speaker is None:
            return
        view, sources = core.view(), list[Source]()
        for person in core.people:
            key = (core.worlds, person.name)
            if person.spoken != self._spoken.get(key, 0):
                self._spoken[key] = person.spoken
                self._talks[person.name] = (self._said(person), speaker.next_sample)
            if person.name in self._talks:
                samples, start = self._talks[person.name]
                sources.append(Source(person.x, person.z, samples, start))
        speaker.update(Listener(view.x, view.z, view.heading_deg), sources)

    def close(self) -> None:
        for device in (self._speaker, self._microphone):
            if device is not None:
                device.close()

    def _said(self, person: Person) -> Mono:
        """Everybody has a voice of their own, and a few phrases."""
        if self._speech is not None:
            return self._speech
        own = zlib.crc32(person.name.encode()) + self._seed
        return babble(own, TALK_S, phrase=person.spoken % PHRASES)
