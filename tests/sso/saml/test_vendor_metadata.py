"""Metadata in the shapes in which vendors write it is read, and read again as it was stored."""

import json

import pytest

from sso.saml.certificates import read_certificate
from sso.saml.metadata import read_idp_metadata
from sso.saml.metadata_input import plain_metadata
from tests.vectors.saml.vendor_metadata import METADATA
from tests.vectors.saml.world import FOLDER, NOW, certificate_pem

NAMES = sorted(path.stem for path in (FOLDER / "metadata").glob("*.xml"))
each = pytest.mark.parametrize("name", NAMES)


def document(name: str) -> bytes:
    return (FOLDER / "metadata" / f"{name}.xml").read_bytes()


def said(name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((FOLDER / "metadata" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def read(text: bytes) -> dict[str, object]:
    found = read_idp_metadata(text, now=NOW)
    names = {read_certificate(certificate_pem(name)).fingerprint: name for name in ("idp", "other", "ec")}
    return {
        "entity_id": found.entity_id,
        "endpoints": [[end.binding.name, end.location] for end in found.endpoints],
        "keys": [names[certificate.fingerprint] for certificate in found.certificates],
        "formats": list(found.name_id_formats),
        "wants_signed_requests": found.wants_signed_requests,
        "urls_left_out": list(found.urls_left_out),
    }


@each
def test_metadata_of_a_vendor_is_read(name):
    expected = said(name)
    assert expected.pop("habit").endswith(".")
    assert read(document(name)) == expected


@each
def test_metadata_of_a_vendor_is_read_the_same_from_where_it_is_stored(name):
    stored = plain_metadata(document(name)).decode("utf-8")
    assert read(stored.encode()) == read(document(name))


def test_every_vendor_has_its_files_and_they_are_what_the_generator_writes():
    assert sorted(METADATA) == NAMES
    for name, vendor in METADATA.items():
        assert (vendor.written(), vendor.expected()) == (document(name), said(name))
