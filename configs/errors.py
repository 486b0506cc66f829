"""The errors a user can mend."""


class BadInput(Exception):
    """Something the user gave cannot be used. The message names the place, the value and what is
    allowed; the command ends with exit code 2 and no traceback."""
