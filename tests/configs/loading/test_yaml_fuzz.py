"""Thousands of damaged configurations: each is read or raises ConfigError, in bounded time."""

import time

import pytest

from configs.load import ConfigError, dump_config, load_config, write_config
from configs.loading.config_checksum import with_checksum_line
from configs.loading.tree import InvalidYaml, parse
from tests.mutations import mutations, only_raises

TOKENS = [
    *(b"\n", b": ", b"- ", b"? ", b"!!python/name:os.system ", b"!!set ", b"&a ", b"*a", b"<<: *a"),
    *(b"[" * 3000, b"{a: " * 500, b"'", b'"', b"#", b"|", b">", b"%YAML 9.9\n", b"---\n", b"..."),
    *(b"1e999", b".nan", b"-.inf", b"9" * 5000, b"0x" + b"f" * 5000, b"1:59" * 300, b"2020-01-01"),
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\t",
        b"\x1b[31m",
        b"\xc2\x85",
        b"extends: /dev/zero",
    ),
    *(b"a: &b [*b, *b]\n", b"null", b"~", b"yes", b"extends: tiny", b"world: 3\n", b"\\ud800"),
]
OWN = b"""\
# a user's file
extends: tiny
seed: 3
tick: {hz: 12.5}
world:
  kind: standin
  limits: {worlds: ["wrld_1"]}
reward:
  parameters:
    HeadPat: 1.0
    Bad: null
"""


def test_damaged_yaml_is_a_tree_or_a_named_error():
    def read(damaged):
        parse(damaged.decode("utf-8-sig", "replace"), "my.yaml", []).plain()

    accepted, refused = only_raises(InvalidYaml, read, mutations(OWN, TOKENS, 4000))
    assert accepted > 200
    assert refused > 200


def test_a_damaged_configuration_is_loaded_or_refused(tmp_path):
    path = tmp_path / "my.yaml"

    def read(damaged):
        path.write_bytes(damaged)
        load_config(path, log_old_keys=False)

    accepted, refused = only_raises(ConfigError, read, mutations(OWN, TOKENS, 300, seed=1))
    assert accepted
    assert refused > 20


def test_each_damaged_configuration_of_a_run_is_noticed(tmp_path, tiny):
    path = tmp_path / "config.yaml"
    write_config(tiny, path)
    written = path.read_bytes()
    assert load_config(path, of_run=True) == tiny
    line = len(written.partition(b"\n")[0]) + 1
    # Also every shorter file: in front of a checksum only a whole file passes.
    shorter = [written[:size] for size in (*range(line, len(written), 97), len(written) - 1)]
    damaged = [*shorter, *(c for c in mutations(written[line:], TOKENS, 300, seed=2))]
    for content in damaged:
        content = content if content in shorter else written[:line] + content
        if content == written:
            continue
        path.write_bytes(content)
        with pytest.raises(ConfigError):
            load_config(path, of_run=True)


@pytest.mark.parametrize("content", ["", "\n", "# only a comment\n", "{}\n", "null\n"])
def test_an_emptied_configuration_of_a_run_is_refused(tmp_path, content):
    (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(ConfigError, match="no settings"):
        load_config(tmp_path / "config.yaml", of_run=True)
    load_config(tmp_path / "config.yaml")  # a file of the user may be empty


def test_an_edit_on_purpose_needs_the_question_or_no_first_line(tmp_path, tiny):
    path, text = tmp_path / "config.yaml", with_checksum_line(dump_config(tiny))
    edited = text.replace("seed: 0", "seed: 7")
    path.write_text(edited)
    with pytest.raises(ConfigError, match=r"yaml:1  the checksum .*\n.*main.py trust"):
        load_config(path, of_run=True)
    with pytest.raises(ConfigError, match=r"yaml:1  the checksum .*\n.*delete its first"):
        load_config(path)
    assert load_config(path, of_run=True, edited=True).seed == 7
    path.write_text(edited.partition("\n")[2])
    assert load_config(path, of_run=True).seed == 7
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert load_config(path, of_run=True) == tiny, "an editor may change the line breaks"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 250_000,
        "[" + "1," * 120_000 + "]",
        "{" + "a," * 120_000 + "}",
        "a: 1" + ":59" * 80_000,
        "a0: &a0 {x: 1}\n"
        + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}], y: 1}}\n" for i in range(1, 99)),
        "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60)),
    ],
    ids=["brackets", "list", "mapping", "base 60", "merge keys", "aliases"],
)
def test_a_text_that_grows_when_it_is_read_is_refused_soon(text):
    before, problems = time.process_time(), []
    try:
        parse(text, "x", problems)
    except InvalidYaml as error:
        problems.append(str(error))
    assert problems
    assert time.process_time() - before < 3


def test_more_than_32_parents_are_refused(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("extends: [" + "tiny, " * 33 + "]")
    with pytest.raises(ConfigError, match="more than 32 files"):
        load_config(path)
