"""What a browser is told when it asks for something that can't be; `middleware` makes a page of it."""

from http import HTTPStatus
from typing import ClassVar


class IdpError(Exception):
    """`public` says what is wrong and what to do."""

    status: ClassVar[int] = HTTPStatus.BAD_REQUEST
    title: ClassVar[str] = "That can’t be done"

    def __init__(self, public: str) -> None:
        self.public = public
        super().__init__(public)


class AppUnknown(IdpError):
    status = HTTPStatus.NOT_FOUND
    title = "There is no such app"


class RequestUnreadable(IdpError):
    title = "This isn’t a sign-in request"


class AuthnRequestMismatch(IdpError):
    title = "The request and the app’s settings differ"


class ChoiceUnknown(IdpError):
    title = "That isn’t a choice"


class NothingToReplay(IdpError):
    title = "There is nothing to send again"


class StateUnreadable(IdpError):
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    title = "The file of this identity provider can’t be used"
