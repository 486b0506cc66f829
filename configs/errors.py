"""The errors that a user can correct."""


class BadInput(Exception):
    """Input of the user that cannot be used.

    The message names the place, the value and what is allowed. The command ends with exit code 2
    and no traceback.
    """
