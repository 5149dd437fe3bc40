"""Every error is a body that strict clients read (RFC 7644 §3.12)."""

import pytest
import scim2_models

from scim.protocol import errors
from scim.protocol.errors import ScimError

CLASSES = ScimError.__subclasses__()
STATUSES = {
    errors.InvalidFilter: (400, "invalidFilter"),
    errors.InvalidSyntax: (400, "invalidSyntax"),
    errors.InvalidPath: (400, "invalidPath"),
    errors.NoTarget: (400, "noTarget"),
    errors.InvalidValue: (400, "invalidValue"),
    errors.Mutability: (400, "mutability"),
    errors.InvalidCursor: (400, "invalidCursor"),
    errors.ExpiredCursor: (400, "expiredCursor"),
    errors.InvalidCount: (400, "invalidCount"),
    errors.TooMany: (400, "tooMany"),
    errors.Uniqueness: (409, "uniqueness"),
    errors.RuleConflict: (409, None),
    errors.Unauthorized: (401, None),
    errors.Forbidden: (403, None),
    errors.ResourceNotFound: (404, None),
    errors.MethodNotAllowed: (405, None),
    errors.PreconditionFailed: (412, None),
    errors.BodyTooLarge: (413, None),
    errors.UnsupportedMediaType: (415, None),
    errors.TooManyRequests: (429, None),
    errors.ServerError: (500, None),
    errors.NotImplementedByUs: (501, None),
    errors.Unavailable: (503, None),
}


def test_every_scim_error_class_is_in_the_status_table():
    assert set(CLASSES) == set(STATUSES)


@pytest.mark.parametrize(("error", "expected"), STATUSES.items(), ids=lambda value: getattr(value, "__name__", None))
def test_scim_error_classes_have_the_status_and_scim_type_of_the_rfc(error, expected):
    assert (error.status, error.scim_type) == expected


@pytest.mark.parametrize("error", CLASSES)
def test_scim_error_docstrings_cite_the_rfc(error):
    assert "§" in error.__doc__ or "table 9" in error.__doc__


@pytest.mark.parametrize("error", CLASSES)
def test_error_bodies_validate_in_scim2_models(error):
    read = scim2_models.Error.model_validate(error("Send it otherwise.").to_body())
    assert (read.status, read.detail) == (error.status, "Send it otherwise.")


def test_error_body_gives_the_status_as_text():
    assert errors.ResourceNotFound("x").to_body()["status"] == "404"


def test_error_body_omits_scim_type_when_the_error_has_none():
    assert "scimType" not in errors.Forbidden("x").to_body()


def test_error_body_contains_the_scim_type_of_the_error():
    assert errors.Uniqueness("x").to_body()["scimType"] == "uniqueness"


def test_str_of_a_scim_error_is_its_detail():
    assert str(errors.InvalidValue("Send text.")) == "Send text."
