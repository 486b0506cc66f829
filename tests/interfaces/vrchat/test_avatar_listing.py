"""What a client lists is only data: any JSON gives an avatar or one ValueError, and fast."""

import contextlib
import json
import random
import time

import pytest

from configs.world.senses import ContactsConfig
from interfaces.osc.oscquery_browser import get_json
from interfaces.vrchat.avatar_listing import avatar_of
from interfaces.vrchat.avatar_parameters import AvatarParameters
from interfaces.vrchat.client_finder import read_avatar
from interfaces.vrchat.contact_sense import ContactSense
from tests.interfaces.osc.test_oscquery_browser import http_server

HUGE = "1" + "0" * 400
ODD = [
    *("NaN", "Infinity", "-Infinity", "1e999", HUGE, f"-{HUGE}", "null", "true", '"text"', "{}"),
    *(
        "[]",
        "[[]]",
        '[{"a": 1}]',
        "-1",
        "0.5",
        "1e308",
        '"\\ud800"',
        '"\\u0000"',
        "18446744073709551616",
    ),
]


def tree(**parameters):
    """The JSON of /avatar, with the text of a VALUE for each parameter."""
    nodes = ", ".join(
        f'"{name}": {{"FULL_PATH": "/avatar/parameters/{name}", "TYPE": "f", "VALUE": {text}}}'
        for name, text in parameters.items()
    )
    return f'{{"CONTENTS": {{"parameters": {{"CONTENTS": {{{nodes}}}}}}}}}'


def take(text):
    """Seed and list an avatar as a body does. Returns its parameters."""
    parameters = AvatarParameters(["Mood"], sense=ContactSense(ContactsConfig(mode="on"), 0.1))
    avatar = avatar_of(json.loads(text))
    parameters.seed(avatar.id, avatar.values)
    parameters.set_listing(avatar, 0)
    return parameters


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("form", ["[{}]", "{}", "[{0}, {0}]"])
def test_odd_value_is_clipped_or_ignored_and_counted(value, form):
    parameters = take(tree(Mood=form.format(value), YumeNear0=form.format(value)))
    assert -1.0 <= parameters["Mood"] <= 255.0
    unusable = ("NaN", "Infinity", "-Infinity", "1e999", HUGE, f"-{HUGE}", "18446744073709551616")
    if form != "{}" and value in unusable:
        assert (parameters["Mood"], parameters.ignored) == (0.0, 2)
    assert abs(parameters._sense.vector(moves=False, avatar_id="")).max() <= 1.0


def test_random_trees_raise_only_value_error():
    rng, good = random.Random(0), tree(Mood="[0.5]", YumeNear0="[0.25]", Hat="[true]")
    pieces = [*ODD, '"FULL_PATH"', '"CONTENTS"', '"VALUE"', '"TYPE"', "[", "]", "{", "}", ",", ":"]
    taken, began = 0, time.process_time()
    for _ in range(3000):
        text = good
        for _ in range(rng.randrange(1, 5)):
            at, length = rng.randrange(len(text)), rng.randrange(12)
            text = text[:at] + rng.choice(pieces) + text[at + length :]
        with contextlib.suppress(ValueError):
            take(text)
            taken += 1
    assert taken > 30
    assert time.process_time() - began < 30.0


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 100_000, b"\xff", b""])
def test_answer_that_is_no_usable_json_is_one_error(body):
    with http_server({"/avatar": (200, body)}) as port:
        for read in (
            lambda: get_json("127.0.0.1", port, "/avatar"),
            lambda: read_avatar("127.0.0.1", port),
        ):
            with pytest.raises(ValueError, match=r".+"):
                read()
