"""What README, README.ja and the guides promise: commands that exist, links that lead somewhere."""

import re

import pytest

from tests.cli import here
from tests.conftest import ROOT
from tests.language import ROOT as LANGUAGE_ROOT
from tests.language import files_of, findings

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [
        *ROOT.glob("*.md"),
        *(f for d in ("docs", "examples") for f in (ROOT / d).rglob("*.md")),
    ]
)


def readme_commands(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(r"`(python main\.py [^`]+)`", text) + re.findall(
        r"^ {4}(python .+)$", text, re.MULTILINE
    )


def test_both_readmes_give_the_same_commands():
    assert readme_commands("README.md") == readme_commands("README.ja.md")
    for command in (
        "python -m pip install -e . -c constraints.txt && python main.py run",
        'python -m pip install -e ".[dev]" -c constraints.txt && python -m pytest',
    ):
        assert command in readme_commands("README.md")


@pytest.mark.parametrize(
    "words",
    sorted(
        {tuple(c.split()[2:3]) for c in readme_commands("README.md") if "main.py" in c.split()[1]}
    ),
)
def test_every_command_of_the_readme_exists(words):
    here(*words, "--help")


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    path = ROOT / name
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{name}: {target}"


def anchors(path):
    """The anchors that GitHub makes of a page's headings."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        plain = re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading).strip().lower()
        yield re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


@pytest.mark.parametrize("name", PAGES)
def test_links_to_headings_lead_somewhere(name):
    path = ROOT / name
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", path.read_text("utf-8")):
        if "://" not in target:
            page = path.parent / target if target else path
            assert anchor in set(anchors(page)), f"{name}: {target}#{anchor}"


def test_docs_and_docstrings_are_plain_english():
    """No sentence above 30 words, none of the private words of tests/language.py."""
    found = [line for path in files_of(LANGUAGE_ROOT) for line in findings(path)]
    assert found == [], "\n".join(found[:40])
