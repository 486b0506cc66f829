"""The picture from above shows each sense in its direction."""

import numpy as np

from interfaces.core.sense_map import PlacedSense, SenseReading
from interfaces.core.sense_picture import draw_senses

SIZE = 200
CONTACTS = [PlacedSense(f"Near{i}", "contact", 90.0 * i, 3.0, 1.0) for i in range(4)]


def ray(kind, angle_deg, closeness, known=True):
    return SenseReading(PlacedSense("Ray", kind, angle_deg, 10.0), closeness, known)


def pixel(picture, right, up):
    """The colour at this share of half the picture to the right and up, as int (3,)."""
    half = SIZE / 2
    return picture[round(half - up * half), round(half + right * half)].astype(int)


def same_as(picture, other, right, up):
    return (abs(pixel(picture, right, up) - pixel(other, right, up)) <= 2).all()


def contacts(closeness, known=True):
    """Contacts of which only the one to the right has a value."""
    readings = [SenseReading(each, 0.0, True) for each in CONTACTS]
    readings[1] = SenseReading(CONTACTS[1], closeness, known)
    return draw_senses(readings, SIZE)


def test_a_contact_is_brighter_the_nearer_a_person_is():
    brightness = [pixel(contacts(share), 0.6, 0.1).sum() for share in (0.0, 0.3, 0.6, 1.0)]
    assert brightness == sorted(set(brightness))
    assert not same_as(contacts(0.0), contacts(0.0, known=False), 0.6, 0.1), "unknown is not clear"
    for elsewhere in ((-0.6, 0.1), (0.1, -0.6)):
        assert same_as(contacts(0.0), contacts(1.0), *elsewhere)


def test_a_ray_ends_where_it_hits_and_rays_at_people_look_different():
    empty = draw_senses([ray("world", 90.0, 0.0, known=False)], SIZE)
    pictures = [draw_senses([ray(kind, 90.0, 0.5)], SIZE) for kind in ("players", "world")]
    for picture in pictures:
        assert picture.shape == (SIZE, SIZE, 3)
        assert not same_as(picture, empty, 0.4, 0.0), "the line"
        assert (pixel(picture, 0.7, 0.0) == pixel(picture, -0.7, 0.0)).all(), "nothing behind it"
    assert not same_as(*pictures, 0.4, 0.0)
    missed = draw_senses([ray("world", 90.0, 0.0)], SIZE)
    assert (pixel(missed, 0.4, 0.0) == pixel(missed, -0.4, 0.0)).all()
    assert (pixel(missed, 0.9, 0.0) != pixel(missed, -0.9, 0.0)).any(), "a stroke at the end"
    assert (pixel(empty, 0.9, 0.0) != pixel(missed, 0.9, 0.0)).any(), "unknown is not a miss"


def test_beside_rays_contacts_are_on_the_rim():
    readings = [SenseReading(each, 1.0, True) for each in CONTACTS]
    picture = draw_senses([*readings, ray("world", 0.0, 0.5)], SIZE)
    assert pixel(picture, 0.93, 0.0).sum() > 2 * pixel(picture, 0.4, 0.2).sum()


def test_a_picture_without_senses_is_possible_at_any_size():
    for size in (16, 96, 320):
        assert draw_senses([], size).shape == (size, size, 3)
    assert draw_senses([], 96).dtype == np.uint8
