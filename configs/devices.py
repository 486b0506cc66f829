"""Settings of cameras and audio inputs."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from configs.strict import Strict

SCREEN_REGION = re.compile(r"screen:(-?\d{1,5}),(-?\d{1,5}),(\d{1,5})x(\d{1,5})")

Fraction = Annotated[float, Field(ge=0, le=1)]


class CameraConfig(Strict):
    source: str | int = Field(
        default="auto",
        description="auto (the stand-in's own stream), a device's index or name (part of it: "
        "OBS Virtual Camera), a URL, a video file, screen, screen:LEFT,TOP,WIDTHxHEIGHT, or "
        "window:TITLE",
    )
    width: int = Field(
        default=64, ge=16, le=512, multiple_of=16, description="pixels the model sees"
    )
    height: int = Field(
        default=64, ge=16, le=512, multiple_of=16, description="pixels the model sees"
    )
    crop: tuple[Fraction, Fraction, Fraction, Fraction] = Field(
        default=(0.0, 0.0, 1.0, 1.0),
        description="left, top, right, bottom of what is looked at, as shares of the picture",
    )
    fps: float = Field(
        default=30.0, gt=0, le=240, description="frames a second asked of a device or a screen"
    )
    stale_s: float = Field(
        default=0.3, gt=0, le=60, description="no newer frame for so long: the camera is gone"
    )

    @field_validator("source")
    @classmethod
    def _source(cls, source: str | int) -> str | int:
        if isinstance(source, int):
            if source < 0:
                raise ValueError(f"a device has an index of 0 or more, not {source}")
            return source
        if not source.strip():
            raise ValueError("an empty source; auto, or a device, a URL, a file, screen, window")
        if source == "window:":
            raise ValueError("window: needs a part of its title, such as window:VRChat")
        if source.startswith("screen:"):
            region = SCREEN_REGION.fullmatch(source)
            if region is None or not int(region[3]) or not int(region[4]):
                raise ValueError(
                    f"{source}: a part of the screen is screen:LEFT,TOP,WIDTHxHEIGHT, in pixels, "
                    "such as screen:0,0,1280x720"
                )
        return source

    @model_validator(mode="after")
    def _crop(self) -> "CameraConfig":
        left, top, right, bottom = self.crop
        if right - left < 0.01 or bottom - top < 0.01:
            raise ValueError(
                f"crop {list(self.crop)}: left and top lie before right and bottom, each 0..1"
            )
        return self


class EarsConfig(Strict):
    """What is heard, as log-mel bands of the newest window."""

    device: str | int | None = Field(
        default=None,
        description="input by name (part of it: CABLE Output) or index; none: no ears",
    )
    rate_hz: int = Field(default=16000, ge=8000, le=48000, description="samples a second")
    channels: Literal[1, 2] = Field(default=1, description="1: mono, 2: stereo")
    window_s: float = Field(
        default=0.2, ge=0.05, le=2, description="how much of the newest sound is heard at a beat"
    )
    hop_s: float = Field(default=0.02, ge=0.005, le=0.1, description="between two spectra")
    mels: int = Field(default=32, ge=8, le=128, description="bands of a spectrum")
    keep_raw: bool = Field(default=False, description="write the raw window into the journal too")
