"""Episodes end at every break between two Steps."""

from interfaces.session.export.episodes import episodes


def test_an_episode_has_no_break_and_at_most_the_longest_length(recorded):
    session, _ = recorded
    assert [len(each.steps) for each in episodes(session, 1000)] == [60, 40, 50]
    assert [len(each.steps) for each in episodes(session, 45)] == [45, 15, 40, 45, 5]
