"""The test IdP as a process of its own, as `make demo` starts it."""

import base64
import signal
import subprocess
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
import xmlsec
from lxml import etree, html

from sandbox.test_idp.records import values_of
from sandbox.test_idp.state import save_app, save_people
from sandbox.test_idp.types import App, Fault, IdpPerson, Signs
from tests.processes import free_port, wait_for

SECONDS = 180
SP, ACS = "http://localhost:8000/saml/c1/metadata", "http://localhost:8000/saml/c1/acs"
MD = "{urn:oasis:names:tc:SAML:2.0:metadata}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
MARA = IdpPerson("mara@northwind.example", "Mara", "Lindgren", "mara")


def command(folder, port, *more):
    return [sys.executable, "-m", "sandbox.test_idp", "--port", str(port), "--folder", str(folder), *more]


class Idp:
    """A running identity provider."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "log"
        with self.log.open("wb") as output:
            arguments = command(folder, self.port, "--name", "Rehearsal")
            self.process = subprocess.Popen(arguments, stdout=output, stderr=output)
        self.await_line("ready")

    def await_line(self, word: str) -> None:
        wait_for(lambda: word in self.log.read_text(), f"it is {word}", by=self.process)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=SECONDS)


@pytest.fixture(scope="module")
def idp(tmp_path_factory):
    started = Idp(tmp_path_factory.mktemp("idp"))
    save_app(started.folder, App("acme", "Acme", "acme-idp", SP, ACS, signs=Signs.BOTH))
    save_app(started.folder, App("plain", "Plain", "plain-idp", SP, ACS, declares_redirect=False))
    save_people(started.folder, [MARA])
    yield started
    started.stop()


@pytest.fixture
def visitor(idp):
    """A client that keeps cookies, as a browser does."""
    with httpx.Client(base_url=idp.url, trust_env=False) as client:
        yield client


def request_xml(acs=ACS):
    root = etree.Element("{urn:oasis:names:tc:SAML:2.0:protocol}AuthnRequest", ID="_r1", Version="2.0")
    root.set("AssertionConsumerServiceURL", acs)
    etree.SubElement(root, "{urn:oasis:names:tc:SAML:2.0:assertion}Issuer").text = SP
    return etree.tostring(root)


def redirected(visitor, document=None, **more):
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = compressor.compress(document or request_xml()) + compressor.flush()
    given = {"SAMLRequest": base64.b64encode(deflated).decode(), "RelayState": "r1"}
    return visitor.get("/apps/acme/sso", params=given | more)


def posted(visitor, document=None):
    given = {"SAMLRequest": base64.b64encode(document or request_xml()).decode(), "RelayState": "r1"}
    return visitor.post("/apps/acme/sso", data=given)


def submit(visitor, page, **changed):
    """Send the page's form as a browser would, with these changes."""
    form = html.fromstring(page.content).forms[0]
    return visitor.post(form.action or page.url.path, data=fields_of(form) | changed)


def fields_of(form):
    fields: dict[str, list[str]] = {}
    for name, value in form.form_values():
        fields.setdefault(name, []).append(value)
    return fields


def delivered(page):
    form = html.fromstring(page.content).get_element_by_id("delivery")
    return form.action, dict(form.form_values())


def response_of(page):
    return etree.fromstring(base64.b64decode(delivered(page)[1]["SAMLResponse"]))


def verified(visitor, response):
    """Return how many signatures hold by the key that the metadata names."""
    metadata = etree.fromstring(visitor.get("/apps/acme/metadata").content)
    key = xmlsec.Key.from_memory(
        base64.b64decode(metadata.findtext(f".//{DS}X509Certificate")), xmlsec.constants.KeyDataFormatCertDer
    )
    xmlsec.tree.add_ids(response, ["ID"])
    signatures = list(response.iter(f"{DS}Signature"))
    for one in signatures:
        context = xmlsec.SignatureContext()
        context.key = key
        context.verify(one)
    return len(signatures)


# the process


def test_test_idp_prints_its_url_when_ready(idp):
    assert f"Rehearsal is ready at {idp.url}/" in idp.log.read_text()


def test_test_idp_listens_on_loopback_only(idp):
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{idp.port:04X}")]
    assert listening == [f"0100007F:{idp.port:04X}"]
    assert f":{idp.port:04X}" not in Path("/proc/net/tcp6").read_text()


def test_test_idp_has_no_host_option(tmp_path):
    done = subprocess.run([*command(tmp_path, free_port()), "--host", "0.0.0.0"], capture_output=True, text=True)
    assert (done.returncode, "unrecognized arguments: --host" in done.stderr) == (2, True)


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_test_idp_refuses_a_port_that_is_no_valid_number(tmp_path, port):
    done = subprocess.run(command(tmp_path, port), capture_output=True, text=True)
    assert (done.returncode, "isn't a number from 1 to 65535" in done.stderr) == (2, True)


def test_test_idp_prints_one_line_when_the_port_is_in_use(idp, tmp_path):
    done = subprocess.run(command(tmp_path, idp.port), capture_output=True, text=True)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "Address already in use" in done.stderr


def test_test_idp_ends_on_sigterm(tmp_path):
    started = Idp(tmp_path)
    started.process.send_signal(signal.SIGTERM)
    assert started.process.wait(timeout=SECONDS) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(started.url, trust_env=False)


def test_test_idp_keeps_its_keys_after_a_restart(tmp_path):
    certificates = set()
    for _ in range(2):
        started = Idp(tmp_path)
        save_app(tmp_path, App("a", "A", "i", "s", ACS))
        certificates.add(httpx.get(f"{started.url}/apps/a/certificate", trust_env=False).text)
        started.stop()
    assert len(certificates) == 1


def test_test_idp_returns_400_for_the_host_name_of_the_portal(idp):
    assert httpx.get(f"http://localhost:{idp.port}/", trust_env=False).status_code == 400


# cookies and forms


def test_test_idp_cookie_names_differ_from_those_of_the_portal(visitor, settings):
    submit(visitor, visitor.get("/apps/acme/open"), fault=Fault.NONE)
    names = set(visitor.cookies)
    assert names == {"idp_csrftoken", "idp_session"}
    assert names.isdisjoint({settings.CSRF_COOKIE_NAME, settings.SESSION_COOKIE_NAME})


@pytest.mark.parametrize(
    "path", ["/apps/new", "/apps/acme", "/apps/acme/delete", "/apps/acme/sign-in", "/dns", "/dns/withdraw"]
)
def test_test_idp_returns_403_for_a_form_without_a_csrf_token(visitor, path):
    assert visitor.post(path, data={"name": "a.example"}).status_code == 403


def test_test_idp_pages_say_not_for_production_and_allow_own_scripts_only(visitor):
    for path in ("/", "/apps/new", "/apps/acme", "/apps/acme/delete", "/apps/acme/open", "/dns", "/nowhere"):
        page = visitor.get(path)
        assert "not for production" in page.text
        assert "script-src 'self'; style-src 'self'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["idp.css", "submit.js", "key.svg"])
def test_test_idp_serves_its_static_files(visitor, name):
    assert visitor.get(f"/static/{name}").status_code == 200


def test_the_dns_page_publishes_a_record(visitor, idp):
    submit(visitor, visitor.get("/dns"), name="_gatehouse.northwind.example", value="gatehouse-verify=1")
    assert values_of(idp.folder, "_gatehouse.northwind.example") == ("gatehouse-verify=1",)


# metadata


@pytest.mark.parametrize(("app", "bindings"), [("acme", ["HTTP-POST", "HTTP-Redirect"]), ("plain", ["HTTP-POST"])])
def test_metadata_has_the_declared_bindings_of_the_app(visitor, idp, app, bindings):
    answer = visitor.get(f"/apps/{app}/metadata")
    root = etree.fromstring(answer.content)
    services = root.findall(f".//{MD}SingleSignOnService")
    assert answer.headers["Content-Type"] == "application/samlmetadata+xml"
    assert root.get("entityID") == f"{app}-idp"
    assert [one.get("Binding").rpartition(":")[2] for one in services] == bindings
    assert {one.get("Location") for one in services} == {f"{idp.url}/apps/{app}/sso"}


# sign-in


@pytest.mark.parametrize("ask", [redirected, posted])
def test_response_is_verified_by_the_certificate_in_the_metadata(visitor, ask):
    page = submit(visitor, ask(visitor))
    response = response_of(page)
    assert (delivered(page)[0], delivered(page)[1]["RelayState"]) == (ACS, "r1")
    assert (response.get("InResponseTo"), response.findtext(".//{*}NameID")) == ("_r1", MARA.email)
    assert verified(visitor, response) == 2


def test_sign_in_page_shows_the_facts_of_the_request(visitor):
    text = html.fromstring(redirected(visitor, Signature="x").content).text_content()
    assert all(fact in text for fact in ("_r1", SP, ACS, "HTTP-Redirect, signed"))


def test_request_with_auto_is_answered_without_the_form(visitor):
    assert verified(visitor, response_of(redirected(visitor, auto="new@x.example"))) == 2


def test_request_with_auto_and_fault_is_answered_with_that_fault(visitor):
    response = response_of(redirected(visitor, auto=MARA.email, fault="wrong-audience"))
    assert response.findtext(".//{*}Audience") != SP


def test_replayed_response_equals_the_former_one(visitor):
    first = delivered(submit(visitor, redirected(visitor)))
    assert delivered(submit(visitor, redirected(visitor), fault=Fault.REPLAYED)) == first


def test_request_for_another_acs_url_returns_400_naming_it(visitor):
    page = redirected(visitor, request_xml(acs=f"{ACS}/other"))
    assert (page.status_code, "ACS URL" in page.text) == (400, True)


BOMB = b"<a>" + b" " * 50_000_000
XXE = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + request_xml()


@pytest.mark.parametrize("document", [XXE, BOMB, b"<a", b"<a/>"], ids=["DTD", "bomb", "no XML", "no request"])
def test_malformed_redirect_request_returns_400(visitor, document):
    page = redirected(visitor, document)
    assert (page.status_code, "This isn’t a sign-in request" in page.text) == (400, True)


@pytest.mark.parametrize("document", [XXE, b"<a" * 40_000, b"<a/>"], ids=["DTD", "large", "no request"])
def test_malformed_post_request_returns_400(visitor, document):
    page = posted(visitor, document)
    assert (page.status_code, "This isn’t a sign-in request" in page.text) == (400, True)


@pytest.mark.parametrize("text", ["", "%%%", "é", "AAAA", "\x00"])
def test_text_that_is_no_saml_request_returns_400(visitor, text):
    answers = [
        visitor.get("/apps/acme/sso", params={"SAMLRequest": text}),
        visitor.post("/apps/acme/sso", data={"SAMLRequest": text}),
    ]
    assert [answer.status_code for answer in answers] == [400, 400]


def test_too_large_body_returns_400(visitor):
    assert visitor.post("/apps/acme/sso", data={"SAMLRequest": "A" * 3_000_000}).status_code == 400


# in a browser


@pytest.fixture
def service_provider():
    """An ACS on another host name, and what arrives there."""
    arrived = []

    class Acs(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            arrived.append((self.headers["Origin"], parse_qs(body.decode())))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<title>Arrived</title>")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Acs) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/acs", arrived
        server.shutdown()


@pytest.mark.browser
def test_browser_posts_the_response_to_the_acs_without_a_click(idp, service_provider, page):
    acs, arrived = service_provider
    save_app(idp.folder, App("b", "B", "i", SP, acs))
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if "Policy" in message.text else None)
    page.goto(f"{idp.url}/apps/b/open")
    page.fill("[name=relay_state]", "r1")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/acs")
    ((origin, fields),) = arrived
    assert (origin, fields["RelayState"], complaints) == (idp.url, ["r1"], [])
