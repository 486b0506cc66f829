"""What the agent's window shows: the view of the avatar's eyes, or of the user camera."""

from collections.abc import Sequence

from interfaces.standin.client.physics import AvatarPhysics
from interfaces.standin.client.simulated_client import SimulatedClient
from interfaces.standin.people import Person
from interfaces.standin.picture.scene import DrawnAvatar, View


def make_view(
    client: SimulatedClient,
    avatar: AvatarPhysics,
    people: Sequence[Person],
    *,
    time_s: float,
    hour: float,
) -> View:
    """The view at `time_s`. While it streams, the user camera replaces the avatar's eyes."""
    others = tuple(_drawn_person(person) for person in people)
    camera = client.camera
    if camera.shown:
        return View(
            camera.x,
            camera.y,
            camera.z,
            camera.yaw_deg,
            -camera.pitch_deg,
            others,
            time_s,
            hour,
            camera.roll_deg,
            camera.zoom,
            _drawn_agent(client, avatar, time_s),
        )
    return View(
        avatar.x,
        avatar.y + client.eye_m,
        avatar.z,
        avatar.heading_deg,
        avatar.pitch_deg,
        others,
        time_s,
        hour,
    )


def _drawn_person(person: Person) -> DrawnAvatar:
    return DrawnAvatar(
        person.name,
        person.look,
        person.x,
        person.y,
        person.z,
        person.heading_deg,
        person.arm,
        person.swing_deg,
        person.stride_m,
        person.bubble,
    )


def _drawn_agent(client: SimulatedClient, avatar: AvatarPhysics, time_s: float) -> DrawnAvatar:
    """The agent's own avatar and its chat text, as its user camera sees them."""
    text = client.chatbox.shown(time_s) or ("..." if client.chatbox.typing else "")
    return DrawnAvatar("", 0, avatar.x, avatar.y, avatar.z, avatar.heading_deg, 0.0, 0.0, 0.0, text)
