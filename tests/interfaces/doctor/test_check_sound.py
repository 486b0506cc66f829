"""PortAudio is needed only by configured devices, which must open and carry sound."""

import dataclasses

from interfaces.doctor.check_sound import PORTAUDIO, SoundFacts, findings_from
from tests.interfaces.doctor.settings import levels, vrchat_world


def test_a_missing_portaudio_is_a_problem_only_if_a_setting_needs_it():
    missing = SoundFacts(missing="PortAudio is missing")
    assert levels(findings_from(vrchat_world(), missing)) == {"PortAudio": "warning"}
    findings = findings_from(vrchat_world("world.audio_input.device=CABLE Output"), missing)
    assert levels(findings) == {"PortAudio": "problem"}
    assert "world.audio_input.device" in findings[0].text
    assert findings[0].remedy == PORTAUDIO


def test_a_silent_or_missing_device_is_reported():
    world = vrchat_world("world.audio_input.device=CABLE Output", "world.voice.device=CABLE Input")
    good = SoundFacts(input_name="CABLE Output", input_db=-20.0, voice_name="CABLE Input")
    assert {each.level for each in findings_from(world, good)} == {"ok"}
    silent = dataclasses.replace(good, input_db=-90.0)
    assert levels(findings_from(world, silent))["ears"] == "warning"
    error = "no such device"
    missing = dataclasses.replace(good, input_error=error, voice_error=error)
    result = levels(findings_from(world, missing))
    assert (result["ears"], result["voice"]) == ("problem", "problem")
