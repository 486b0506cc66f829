"""What hostile datagrams cannot do to a VRChat client. One test per statement."""

import math
import random
import struct

from tests.contracts.vrchat.client import TURN_DEG_S, message, near, standin_only
from tests.polling import wait_until


@standin_only
def test_twenty_thousand_hostile_datagrams_change_nothing(client):
    rng = random.Random(0)
    before = client.request("/truth")
    good = message("/input/Vertical", 1.0)
    nested = good
    for _ in range(20):
        nested = b"#bundle\0" + bytes(8) + struct.pack(">i", len(nested)) + nested

    always = (
        b"#bundle\0" + bytes(8) + struct.pack(">i", 1 << 30) + good,
        message("/input/Vertical", "x" * 8000),
        message("/input/" + "A" * 5000, 1.0),
        nested,
        message("/input/Vertical", math.nan),
        b"/input/Vertical\0,[f]\0\0\0\0" + bytes(4),
        message("/avatar/change", 3),
        message("/usercamera/Pose", 1.0),
    )

    def hostile(i: int) -> bytes:
        if i % 10 < len(always):
            return always[i % 10]
        if i % 10 == len(always):
            return rng.randbytes(rng.randrange(1, 200))
        return good[: rng.randrange(1, len(good))]

    def ignored() -> int:
        return client.request("/truth")["ignored"] - before["ignored"]

    for i in range(20_000):
        client.send_raw(hostile(i))
        if i % 50 == 49:
            # The client has read almost all of them: dropped datagrams would prove nothing.
            wait_until(lambda sent=i: ignored() > sent - 100, "reading the datagrams")
    after = client.request("/truth")
    assert after["agent"] == before["agent"]
    assert after["inputs"] == before["inputs"]
    mark = len(client.log)
    client.set_input("LookHorizontal", 1.0)
    client.wait_for("AngularY", near(TURN_DEG_S), after=mark)


@standin_only
def test_extreme_poses_do_not_stop_the_pictures(client):
    client.send("/usercamera/Mode", 2)
    client.send("/usercamera/Streaming", True)
    for number in (1e308, -1e308, 1e39, 1e9):
        numbers = struct.pack(">d", number)
        client.send_raw(b"/usercamera/Pose\0\0\0\0,dddddd\0" + 6 * numbers)
        client.send_raw(b"/usercamera/Zoom\0\0\0\0,d\0\0" + numbers)
        client.send_raw(b"/avatar/eyeheight\0\0\0,d\0\0" + numbers)
        assert client.picture(0.1).size
    client.send("/avatar/eyeheight", 1.6)
    client.send("/usercamera/Close")
    client.send("/usercamera/Streaming", False)
