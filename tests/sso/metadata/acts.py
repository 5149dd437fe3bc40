"""What an admin does in the wizard's step about the identity provider."""

import re
from html import unescape

from cryptography.hazmat.primitives.asymmetric import ec
from django.core.files.uploadedfile import SimpleUploadedFile

from orgs.providers.idp_settings import NameIdFormat
from sso.connections.types import SignInRules
from sso.metadata import services
from sso.versions import services as versions
from tests.factories import ACTOR
from tests.sso.saml.test_certificates import issue


def begin(org, name="JumpCloud", provider="jumpcloud"):
    made = services.create_connection(org=org, name=name, rules=SignInRules(), actor=ACTOR)
    versions.choose_provider(
        connection=made, provider=provider, name_id_format=NameIdFormat.EMAIL, revision=1, actor=ACTOR
    )
    return made


def url(connection, rest="") -> str:
    return f"/orgs/acme/settings/authentication/connections/{connection.public_id}/setup/metadata/{rest}"


def by_file(admin, connection, document):
    document = document if isinstance(document, bytes) else document.encode()
    return admin.post(url(connection), {"way": "file", "document": SimpleUploadedFile("metadata.xml", document)})


def manual(admin, connection, **given):
    fields = {"way": "manual", "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"} | given
    return admin.post(url(connection), fields)


def confirm(admin, landed, **said):
    page = admin.get(landed["Location"])
    revision = re.search(r'name="revision" value="(\d+)"', page.content.decode())[1]
    return admin.post(landed["Location"], {"revision": revision, **said})


def error_of(response, field) -> str:
    found = re.search(rf'id="id_{field}_error".*?<span>(.*?)</span>', response.content.decode(), re.DOTALL)
    return found[1] if found else ""


def sentence_of(response, field) -> str:
    """Return the error at a field as a person reads it, with one kind of apostrophe."""
    return unescape(error_of(response, field)).replace("'", "’")


ENDED = issue(ec.generate_private_key(ec.SECP256R1()), days=-1)
