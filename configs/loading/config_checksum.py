"""The checksum of a configuration that Yume wrote, in the first line of the file.

A damaged config.yaml would otherwise silently run with other settings. A file without the line, as
users and older versions write it, is read without this check.
"""

import re
import zlib

from configs.loading.tree import InvalidYaml

DELETE_LINE = "delete its first line"  # what to do after an edit of a file outside a run
_LINE = re.compile(r"# checksum: crc32 ([0-9a-f]{8})\b")


def with_checksum_line(text: str) -> str:
    """The YAML text after a comment line with its checksum."""
    return f"# checksum: crc32 {_checksum(text)} (after an edit: python main.py trust RUN)\n{text}"


def check_first_line(text: str, origin: str, after_edit: str = DELETE_LINE) -> None:
    """Raises InvalidYaml if the first line states another checksum than that of the other lines.

    For the message: `origin` is the name of the file, `after_edit` what to do after an edit.
    """
    if not is_intact(text):
        raise InvalidYaml(
            f"{origin}:1  the checksum does not match: the file is damaged, or was edited\n"
            f"    after an edit on purpose, {after_edit}"
        )


def is_intact(text: str) -> bool:
    """Whether the first line states the checksum of the other lines, or none."""
    first, _, rest = text.partition("\n")
    stated = _LINE.match(first)
    return stated is None or stated[1] == _checksum(rest)


def without_checksum_line(text: str) -> str:
    """The text after the comment line with the checksum, if there is one."""
    first, _, rest = text.partition("\n")
    return rest if _LINE.match(first) else text


def _checksum(text: str) -> str:
    """The same for every kind of line break: an editor may change them."""
    plain = text.replace("\r\n", "\n")
    return f"{zlib.crc32(plain.encode('utf-8', 'surrogatepass')):08x}"
