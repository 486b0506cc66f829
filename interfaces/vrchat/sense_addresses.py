"""Finds the number of a sense's parameter from its raw OSC address, with VRCFury's prefix too."""

from collections.abc import Sequence

from configs.world.senses import without_prefix
from interfaces.vrchat.avatar_listing import PREFIX

_PREFIX = PREFIX.encode()
_MERGED = _PREFIX + b"VF"


class SenseAddresses:
    """The parameters `names` of a sense, numbered from 0.

    An address of another parameter is recognised by its bytes alone.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._by_name = {name: i for i, name in enumerate(names)}
        self._by_raw_name = {name.encode(): i for i, name in enumerate(names)}
        self._by_address = {_PREFIX + name: i for name, i in self._by_raw_name.items()}

    def find(self, address: bytes) -> int | None:
        """The number of the parameter with this OSC address, or None."""
        i = self._by_address.get(address)
        if i is not None or not address.startswith(_MERGED):
            return i
        merged, _, name = address.partition(b"_")
        i = self._by_raw_name.get(name)
        if i is not None and merged[len(_MERGED) :].isdigit():
            self._by_address[address] = i
            return i
        return None

    def number(self, name: str) -> int | None:
        """The number of the parameter with this name, or None."""
        i = self._by_name.get(name)
        return self._by_name.get(without_prefix(name)) if i is None else i
