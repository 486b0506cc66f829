"""The simulated VRChat client, apart from the place: received messages, buttons, its own state."""

import math

from configs.standin import AvatarConfig, StandinConfig
from interfaces.osc.message import OscError, decode
from interfaces.standin.client.chatbox import Chatbox
from interfaces.standin.client.contacts import Contacts
from interfaces.standin.client.input import Inputs
from interfaces.standin.client.parameters import PREFIX, OwnParameters
from interfaces.standin.client.raycasts import Raycasts
from interfaces.standin.client.response import InputResponse
from interfaces.standin.client.usercamera import PREFIX as CAMERA_PREFIX
from interfaces.standin.client.usercamera import UserCamera

EYE_HEIGHT_RANGE_M = (0.2, 5.0)
_MENU_BUTTONS = {"QuickMenuToggleLeft", "QuickMenuToggleRight", "Menu", "Menu2"}
# Number of arguments of each /tracking message.
_TRACKING = {
    f"/tracking/trackers/{tracker}/{quantity}": 3
    for tracker in (*range(1, 9), "head")
    for quantity in ("position", "rotation")
} | {
    f"/tracking/eye/{name}": count
    for name, count in (
        *(("EyesClosedAmount", 1), ("CenterPitchYaw", 2), ("CenterPitchYawDist", 3)),
        *(("CenterVec", 3), ("CenterVecFull", 3), ("LeftRightPitchYaw", 4), ("LeftRightVec", 6)),
    )
}


class SimulatedClient:
    """Takes OSC messages; holds inputs, chatbox, user camera, avatar, voice and menu."""

    avatar_config: AvatarConfig
    eye_m: float
    avatar_loaded: bool  # False until the parameters of a new avatar were sent
    own: OwnParameters
    contacts: Contacts
    raycasts: Raycasts

    def __init__(self, config: StandinConfig) -> None:
        self._avatars = config.avatars
        self._voice_mode = config.voice
        self.chatbox, self.camera = Chatbox(), UserCamera()
        self.inputs = Inputs(InputResponse())
        self.change_avatar(config.avatars[0])
        self.muted = config.voice != "push_to_mute"  # VRChat joins a world muted
        self.afk = self.menu_open = False
        self.voice, self.viseme = 0.0, 0  # of the agent's microphone: 0..1, 0..14
        self.received = self.ignored = 0  # datagrams

    def change_avatar(self, avatar: AvatarConfig) -> None:
        """Use another avatar with its default eye height, parameters, contacts, rays."""
        self.avatar_config, self.eye_m, self.avatar_loaded = avatar, avatar.eye_height_m, False
        self.own = OwnParameters(avatar)
        self.contacts = Contacts(avatar.contacts, avatar.eye_height_m)
        self.raycasts = Raycasts(avatar)

    def receive(self, datagram: bytes, substep: int, time_s: float, *, osc: bool) -> None:
        """Handle one datagram that arrives before `substep`.

        Counts it as ignored if `osc` is False, if it is not OSC, or if a message has no effect.
        """
        self.received += 1
        if not osc:
            self.ignored += 1
            return
        try:
            messages = decode(datagram)
        except OscError:
            self.ignored += 1
            return
        if not all([self._handle(*message, substep, time_s) for message in messages]):
            self.ignored += 1

    def press_buttons(self, pressed: frozenset[str]) -> None:
        """Apply the buttons that do not move the avatar: mute, AFK, menu."""
        if self._voice_mode == "push_to_talk":
            self.muted = self.inputs["Voice"] == 0.0
        elif self._voice_mode == "push_to_mute":
            self.muted = self.inputs["Voice"] > 0.0
        if not pressed:
            return
        self.muted ^= self._voice_mode == "toggle" and "Voice" in pressed
        self.afk ^= "AFKToggle" in pressed
        if pressed & _MENU_BUTTONS:
            self.menu_open = not self.menu_open
        if "Back" in pressed:
            self.menu_open = False

    def _handle(self, address: str, arguments: list[object], substep: int, time_s: float) -> bool:
        """Act on one message. Returns False if the address or its arguments are not known."""
        if address.startswith(CAMERA_PREFIX):
            return self.camera.receive(address[len(CAMERA_PREFIX) :], arguments)
        if address.startswith("/chatbox/"):
            return self.chatbox.receive(time_s, address, arguments)
        if address.startswith("/tracking/"):  # of the VR profile: accepted, but without effect
            numbers = [each for each in arguments if type(each) in (int, float)]
            return len(numbers) == len(arguments) == _TRACKING.get(address)
        if len(arguments) != 1:
            return False
        value = arguments[0]
        if address.startswith("/input/"):
            return self.inputs.receive(substep, address[len("/input/") :], value)
        if address.startswith(PREFIX):
            return self.own.receive(address[len(PREFIX) :], value)
        if address == "/avatar/change":
            return self._change_avatar_by_id(value)
        if address == "/avatar/eyeheight" and isinstance(value, (int, float)):
            return self._set_eye_height(float(value))
        return False

    def _change_avatar_by_id(self, avatar_id: object) -> bool:
        """Only a configured avatar can be used; another id has no effect."""
        for avatar in self._avatars:
            if avatar.id == avatar_id:
                self.change_avatar(avatar)
                return True
        return False

    def _set_eye_height(self, eye_m: float) -> bool:
        if not math.isfinite(eye_m):
            return False
        low, high = EYE_HEIGHT_RANGE_M
        self.eye_m = min(high, max(low, eye_m))
        return True
