"""What keeps the demo from starting."""


class CannotStart(Exception):
    """The demo can't start; the text says why in one line."""
