"""Refusals that a caller may see: each carries a sentence that names the trouble and the way out."""


class DomainError(Exception):
    """Something was asked that cannot be done. `message` is a sentence for a person."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(DomainError):
    """The thing asked for does not exist, or not for this person."""


class Stale(DomainError):
    """Somebody else changed the thing first. Load it again and look."""


class Refused(DomainError):
    """A rule of the product forbids it. `field` names the form field to mend, if there is one."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class InvalidInput(DomainError):
    """One form field cannot be read.

    The page words it in the reader's language: `message_key` finds the sentence in the catalogue and `params` fill it.
    """

    def __init__(self, field: str, message_key: str, **params: str | int) -> None:
        super().__init__(f"The field {field} was not accepted ({message_key}).")
        self.field = field
        self.message_key = message_key
        self.params = params


class Conflict(DomainError):
    """The database's own rule refused: `constraint` is its name, which the service turns into a sentence."""

    def __init__(self, *, constraint: str) -> None:
        super().__init__("Somebody has recorded this already.")
        self.constraint = constraint


class Unavailable(DomainError):
    """The database cannot be reached now; nothing was changed."""

    def __init__(self) -> None:
        super().__init__("The database cannot be reached at the moment. Nothing was changed. Please try again.")


class Busy(DomainError):
    """Something else held what was to be changed for too long; nothing was changed, and later it will work."""

    def __init__(self) -> None:
        super().__init__("Something else is at work on this at the moment. Nothing was changed. Please try again.")
