"""The language check finds what it is meant to find, and nothing else."""

import pytest

from tests.language import findings, words_of

LONG_SENTENCE = " ".join(["word"] * 31) + "."


def found_in(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return findings(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.md", LONG_SENTENCE),
        ("page.md", f"- an item\n- {LONG_SENTENCE}"),
        ("page.md", f"| a | {LONG_SENTENCE} |"),
        ("module.py", f'"""{LONG_SENTENCE}"""'),
        ("module.py", f'def f():\n    """{LONG_SENTENCE}"""\n'),
        ("module.py", f"# {LONG_SENTENCE[:80]}\n# {LONG_SENTENCE[80:]}\n"),
    ],
)
def test_a_sentence_above_30_words_is_found(tmp_path, name, text):
    assert len(found_in(tmp_path, name, text)) == 1


@pytest.mark.parametrize(
    "phrase",
    [
        *("who stands still", "held to what it did", "500 steps lived", "a life of an hour"),
        *("it is paid", "how dear it is", "it begins anew", "it costs nothing"),
        *("nobody is told", "the body knows", "the guard lets go of the inputs"),
    ],
)
def test_a_private_phrase_is_found_in_pages_docstrings_comments_and_messages(tmp_path, phrase):
    assert found_in(tmp_path, "page.md", f"The text says {phrase} here.")
    assert found_in(tmp_path, "module.py", f'"""The text says {phrase} here."""\n')
    assert found_in(tmp_path, "module.py", f"x = 1  # the text says {phrase} here\n")
    assert found_in(tmp_path, "module.py", f'print("the text says {phrase} here")\n')


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.md", "Two sentences. " + LONG_SENTENCE[:100] + "."),
        ("page.md", f"```\n{LONG_SENTENCE}\n```\n\n    {LONG_SENTENCE}\n"),
        ("page.md", "The key `beat` was renamed; its heartbeat stays."),
        ("module.py", "x = 1  # words after code stand alone\ny = 2  # and are not joined\n"),
    ],
)
def test_code_and_short_sentences_are_not_found(tmp_path, name, text):
    assert found_in(tmp_path, name, text) == []


def test_inline_code_and_a_link_count_as_one_word():
    assert words_of("Run `python main.py run default` as [the guide](docs/guide.md) says.") == 6
