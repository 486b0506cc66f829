import pytest

from tests.interfaces.session.recordings import make_steps


@pytest.fixture
def steps():
    """600 Steps without situations, each with a new picture."""
    steps = make_steps(600)
    steps["situation"], steps["frame_age_s"] = 0, 0.0
    return steps
