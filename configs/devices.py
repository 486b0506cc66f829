"""Settings of cameras and audio inputs."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from configs.plugin_reference import PLUGIN_REFERENCE, camera_plugin
from configs.strict import StrictModel

SCREEN_REGION = re.compile(r"screen:(-?\d{1,5}),(-?\d{1,5}),(\d{1,5})x(\d{1,5})")

Fraction = Annotated[float, Field(ge=0, le=1)]


class CameraConfig(StrictModel):
    """Where the picture comes from, and the size of the image that the model receives."""

    source: str | int = Field(
        default="auto",
        description="Source of the picture. `auto`: the stream of the stand-in. Otherwise the "
        "index of a device, a part of its name (OBS Virtual Camera), a URL or a video file. Also "
        "`screen`, `screen:LEFT,TOP,WIDTHxHEIGHT`, `window:PROGRAM`, `window:title:TEXT` and "
        "`plugin:MODULE:NAME`.",
    )
    width: int = Field(
        default=64,
        ge=16,
        le=512,
        multiple_of=16,
        description="Width of the model's image, in pixels. Larger shows more detail and costs "
        "more time.",
    )
    height: int = Field(
        default=64,
        ge=16,
        le=512,
        multiple_of=16,
        description="Height of the model's image, in pixels.",
    )
    crop: tuple[Fraction, Fraction, Fraction, Fraction] = Field(
        default=(0.0, 0.0, 1.0, 1.0),
        description="Part of the picture that is used: left, top, right and bottom, as shares of "
        "its size.",
    )
    fps: float = Field(
        default=30.0,
        gt=0,
        le=240,
        description="Frames per second requested from a device or a screen. Use at least tick.hz.",
    )
    stale_s: float = Field(
        default=0.3,
        gt=0,
        le=60,
        description="Age of the newest frame, in seconds, above which the camera counts as lost. "
        "Increase it for a slow camera.",
    )

    @field_validator("source")
    @classmethod
    def _check_source(cls, source: str | int) -> str | int:
        if isinstance(source, int):
            if source < 0:
                raise ValueError(f"the index of a device is 0 or more, not {source}")
            return source
        if not source.strip():
            raise ValueError("empty: give auto, a device, a URL, a file, screen or window")
        plugin = camera_plugin(source)
        if plugin is not None and not PLUGIN_REFERENCE.fullmatch(plugin):
            raise ValueError(
                f"{source}: a plugin is plugin:MODULE:NAME, such as plugin:my_camera:open, or "
                "plugin:NAME for an installed entry point"
            )
        if source == "window:":
            raise ValueError("window: needs a program or a part of a title, such as window:VRChat")
        if source.startswith("screen:"):
            region = SCREEN_REGION.fullmatch(source)
            if region is None or not int(region[3]) or not int(region[4]):
                raise ValueError(
                    f"{source}: a part of the screen is screen:LEFT,TOP,WIDTHxHEIGHT in pixels, "
                    "such as screen:0,0,1280x720"
                )
        return source

    @model_validator(mode="after")
    def _check_crop(self) -> "CameraConfig":
        left, top, right, bottom = self.crop
        if right - left < 0.01 or bottom - top < 0.01:
            raise ValueError(
                f"crop {list(self.crop)}: left must be below right and top below bottom, each 0..1"
            )
        return self


class AudioInputConfig(StrictModel):
    """Sound input: the newest window of sound as log-mel bands."""

    device: str | int | None = Field(
        default=None,
        description="Input device by index or a part of its name (CABLE Output). `null`: no sound "
        "input.",
    )
    rate_hz: int = Field(default=16000, ge=8000, le=48000, description="Samples per second.")
    channels: Literal[1, 2] = Field(
        default=1, description="Number of channels. `1`: mono. `2`: stereo."
    )
    window_s: float = Field(
        default=0.2,
        ge=0.05,
        le=2,
        description="Length of the newest sound that a tick receives, in seconds. Use at least one "
        "tick period, or sound is lost.",
    )
    hop_s: float = Field(
        default=0.02,
        ge=0.005,
        le=0.1,
        description="Time between two spectra, in seconds. Smaller gives finer timing and more "
        "numbers.",
    )
    mels: int = Field(
        default=32,
        ge=8,
        le=128,
        description="Bands of a spectrum. More give finer pitch and more numbers.",
    )
    keep_raw: bool = Field(
        default=False, description="Write the raw samples of each window into the journal too."
    )
