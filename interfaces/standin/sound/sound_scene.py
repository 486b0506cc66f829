"""The sound of the place for the agent, and the agent's voice in it, if sound is configured."""

import zlib

from configs.standin import StandinConfig
from interfaces.devices.wav import read_wav
from interfaces.standin.core import StandinCore
from interfaces.standin.people import Person
from interfaces.standin.sound.mixer import Listener, Mono, Source, ambience
from interfaces.standin.sound.sound_io import SILENCE, Microphone, Speaker
from interfaces.standin.sound.voice_synthesis import babble

TALK_S = 2.5  # length of a phrase; a talker stays for three seconds
PHRASES = 4  # per person


class SoundScene:
    """A loudspeaker that plays the place, and a microphone for the agent's voice. Both optional."""

    def __init__(self, config: StandinConfig, seed: int) -> None:
        """Open the configured devices.

        Raises NoSound for a device that cannot be opened, and BadWav for a file that cannot be
        read as WAV.
        """
        self._seed = seed
        self._speech = None if config.speech is None else read_wav(config.speech)
        self._place_loads = 0  # of the place to which the two tables below belong
        # Phrases that each person has begun, by name.
        self._spoken: dict[str, int] = {}
        # The current phrase of each person, and its first sample.
        self._phrases: dict[str, tuple[Mono, int]] = {}
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
        """Level 0..1 and viseme 0..14 of the agent's voice now."""
        if self._microphone is None:
            return 0.0, SILENCE
        level = self._microphone.level()
        return level, self._microphone.viseme() if level else SILENCE

    def update(self, core: StandinCore) -> None:
        """Give the loudspeaker the positions of agent and people, and new phrases."""
        speaker = self._speaker
        if speaker is None:
            return
        if core.place_loads != self._place_loads:  # other people, who have not spoken yet
            self._place_loads = core.place_loads
            self._spoken.clear()
            self._phrases.clear()
        view, sources = core.view(), list[Source]()
        for person in core.people:
            if person.spoken != self._spoken.get(person.name, 0):
                self._spoken[person.name] = person.spoken
                self._phrases[person.name] = (self._phrase_of(person), speaker.next_sample)
            if person.name in self._phrases:
                samples, start = self._phrases[person.name]
                sources.append(Source(person.x, person.z, samples, start))
        speaker.update(Listener(view.x, view.z, view.heading_deg), sources)

    def close(self) -> None:
        for device in (self._speaker, self._microphone):
            if device is not None:
                device.close()

    def _phrase_of(self, person: Person) -> Mono:
        """The sound of the person's current phrase: one of PHRASES, in the person's own voice."""
        if self._speech is not None:
            return self._speech
        voice_seed = zlib.crc32(person.name.encode()) + self._seed
        return babble(voice_seed, TALK_S, phrase=person.spoken % PHRASES)
