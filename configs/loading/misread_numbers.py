"""Numbers that YAML 1.1 reads otherwise than people mean: 5:30 is 330, and 010 is 8."""

import re

_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_MAX_LENGTH = 20  # of a number that the advice repeats


def misread_number(text: str, value: object) -> str:
    """What to write instead of a number in base 8 or 60; "" for any other.

    `text` is the number as written, without quotes, and `value` what YAML makes of it.
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    if _OCTAL.fullmatch(text):
        if len(text) > _MAX_LENGTH:
            return "YAML reads this in base 8: write it without a zero in front"
        meant = int(text.replace("_", ""))
        if meant == value:
            return ""
        return (
            f'YAML reads this in base 8, as {value}: write {meant} or {value}, or "{text}" for text'
        )
    if _BASE_60.fullmatch(text):
        if len(text) > _MAX_LENGTH:
            return "YAML reads this in base 60: write a number without colons"
        units = [f"{value / 60**power:.10g}" for power in range(text.count(":"), -1, -1)]
        return (
            f"YAML reads this in base 60, as {value:.10g}: write {' or '.join(units)}, "
            f'or "{text}" for text'
        )
    return ""
