"""`manage.py create_connection`."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from orgs.audit.models import AuditEvent
from sandbox.test_idp.keys import ensure_keys
from sandbox.test_idp.metadata import build_metadata
from sandbox.test_idp.types import App
from sso.connections.models import Connection
from sso.connections.types import ConnectionState
from tests.orgs.servers import plain, serving
from tests.sso.saml.test_certificates import issue
from tests.sso.saml.test_metadata import entity, key, role
from tests.vectors.saml.keys import stored


@pytest.fixture
def document(tmp_path):
    certificate = ensure_keys(tmp_path).signing.certificate
    return build_metadata(App("a", "A", "urn:idp", "", ""), "https://idp.example/sso", certificate)


@pytest.fixture
def file(tmp_path, document):
    path = tmp_path / "metadata.xml"
    path.write_bytes(document)
    return str(path)


def run(*options, slug="acme"):
    out = io.StringIO()
    given = [*options] if "--provider" in options else [*options, "--provider", "jumpcloud"]
    call_command("create_connection", slug, "--name", "JumpCloud", *given, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_create_connection_prints_id_and_sp_urls(acme, file):
    report = run("--metadata-file", file)
    base = f"http://testserver/saml/{Connection.objects.get().public_id}"
    assert report == {
        "id": str(Connection.objects.get().public_id),
        "sp_entity_id": f"{base}/metadata",
        "acs_url": f"{base}/acs",
        "login_url": f"{base}/login",
        "sp_metadata_url": f"{base}/metadata",
    }


def test_create_connection_without_activate_makes_a_draft(acme, file):
    run("--metadata-file", file)
    assert Connection.objects.get().state == ConnectionState.DRAFT


def test_create_connection_with_activate_is_audited_as_untested(acme, file):
    run("--metadata-file", file, "--activate", "--jit", "--allow-idp-initiated")
    made = Connection.objects.get()
    assert (made.state, made.jit, made.allow_idp_initiated) == (ConnectionState.ACTIVE, True, True)
    event = AuditEvent.objects.get(action="connection.turned_on")
    assert (event.after["tested"], event.actor_label) == (False, "manage.py create_connection")


def test_create_connection_reads_metadata_from_a_url(acme, document):
    with serving(plain(body=document)) as server:
        run("--metadata-url", server.url("/metadata"))
    assert Connection.objects.get().configurations.get().metadata_source == "url"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--metadata-file", "/nowhere/at/all.xml"], "can't be read"),
        (["--metadata-file", ""], r"^--metadata-file names no file\.$"),
        (["--metadata-file", __file__], "well-formed XML"),
        (["--metadata-file", "/dev/null"], "well-formed XML"),
        (["--metadata-url", "http://10.0.0.1/x"], "private network"),
        (["--metadata-url", ""], "a URL has 1 to 2000"),
        (["--metadata-file", "x", "--metadata-url", "y"], "not allowed with"),
        ([], "is required"),
        (["--metadata-file", "x", "--provider", "nobody"], "invalid choice"),
    ],
)
def test_create_connection_with_bad_input_says_why_and_creates_nothing(acme, options, said):
    with pytest.raises(CommandError, match=said):
        run(*options)
    assert not Connection.objects.exists()


@pytest.fixture
def expired(tmp_path):
    """A file with metadata whose one certificate has expired."""
    path = tmp_path / "expired.xml"
    ended = issue(stored("idp"), days=-1)
    path.write_text(entity(role(keys=key(ended))))
    return str(path)


def test_expired_certificate_is_refused_without_the_flag_for_it(acme, expired):
    with pytest.raises(CommandError, match="Every signing certificate in it has expired"):
        run("--metadata-file", expired)
    assert not Connection.objects.exists()


def test_expired_certificate_is_taken_with_the_flag_for_it(acme, expired):
    run("--metadata-file", expired, "--accept-expired-certificate")
    assert Connection.objects.get().configurations.get().certificates.get().has_expired


def test_create_connection_names_an_unknown_organization(db, file):
    with pytest.raises(CommandError, match="no organization with the slug 'nobody'"):
        run("--metadata-file", file, slug="nobody")


def test_create_connection_refuses_a_taken_name(acme, file):
    run("--metadata-file", file)
    with pytest.raises(CommandError, match="already has that name"):
        run("--metadata-file", file)
    assert Connection.objects.count() == 1
