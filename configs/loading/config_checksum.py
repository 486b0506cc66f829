"""The checksum of a configuration that Yume wrote, in the first line of the file.

A damaged config.yaml would otherwise silently run with other settings. A file without the line, as
users and older versions write it, is read without this check.
"""

import re
import zlib

from configs.loading.tree import InvalidYaml

_LINE = re.compile(r"# checksum: crc32 ([0-9a-f]{8})\b")


def with_checksum_line(text: str) -> str:
    """The YAML text after a comment line with its checksum."""
    return f"# checksum: crc32 {_checksum(text)} (to edit this file, delete this line)\n{text}"


def check_first_line(text: str, origin: str) -> None:
    """Raises InvalidYaml if the first line states another checksum than that of the other lines.

    `origin`: the name of the file, for the message.
    """
    first, _, rest = text.partition("\n")
    stated = _LINE.match(first)
    if stated is not None and stated[1] != _checksum(rest):
        raise InvalidYaml(
            f"{origin}:1  the checksum does not match: the file is damaged, or was edited\n"
            "    after an edit on purpose, delete its first line"
        )


def _checksum(text: str) -> str:
    """The same for every kind of line break: an editor may change them."""
    plain = text.replace("\r\n", "\n")
    return f"{zlib.crc32(plain.encode('utf-8', 'surrogatepass')):08x}"
