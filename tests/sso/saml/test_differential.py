"""A second opinion: pysaml2's own verification, with libxmlsec beneath it, of every vector that ours accepts."""

import pytest
import xmlsec
from lxml import etree
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.sigver import CryptoBackend

from sso.connections.types import Binding
from sso.saml.certificates import read_certificate
from sso.saml.metadata import ManualIdp, describe_idp
from tests.sso.saml.messages import GOOD_NAMES, accepted, field, good, said
from tests.vectors.saml.good import GOOD
from tests.vectors.saml.world import ACS, IDP, NOW, REQUEST, SP, certificate_pem

time_machine = pytest.importorskip("time_machine")
# pysaml2 of this version can't verify ECDSA, nor several keys of one message
BEYOND = {"ec_assertion"}


class LibXmlSec(CryptoBackend):
    """What pysaml2 asks of its backend, answered by the wheel."""

    @property
    def version(self) -> str:
        return "wheel"

    def validate_signature(self, signedtext, cert_file, cert_type, node_name, node_id):
        with open(cert_file, "rb") as file:
            certificate = file.read()
        root = etree.fromstring(signedtext.encode() if isinstance(signedtext, str) else signedtext)
        xmlsec.tree.add_ids(root, ["ID"])
        node = next(one for one in root.iter() if one.get("ID") == node_id)
        context = xmlsec.SignatureContext()
        key_format = xmlsec.KeyFormat.CERT_PEM if b"BEGIN" in certificate else xmlsec.KeyFormat.CERT_DER
        context.key = xmlsec.Key.from_memory(certificate, key_format)
        try:
            context.verify(node.find("{http://www.w3.org/2000/09/xmldsig#}Signature"))
        except xmlsec.Error:
            return False
        return True


def second_opinion(name):
    pinned = tuple(read_certificate(certificate_pem(key)) for key in said(name)["pinned"])
    idp = describe_idp(ManualIdp(IDP, "https://idp.example/sso", Binding.REDIRECT, pinned))
    settings = {
        "entityid": SP,
        "crypto_backend": "XMLSecurity",
        "allow_unknown_attributes": True,
        "accepted_time_diff": 90,
        "metadata": {"inline": [idp.decode()]},
        "service": {
            "sp": {
                "endpoints": {"assertion_consumer_service": [(ACS, Binding.POST.value)]},
                "allow_unsolicited": True,
                "want_response_signed": False,
                "want_assertions_signed": False,
                "want_assertions_or_response_signed": True,
            }
        },
    }
    client = Saml2Client(SPConfig().load(settings))
    client.sec.crypto = LibXmlSec()
    # pysaml2 reads UTF-8 alone
    document = GOOD[name].message() if GOOD[name].encoding else good(name)
    return client.parse_authn_request_response(field(document), Binding.POST.value, outstanding={REQUEST: "/"})


@pytest.mark.parametrize("name", [name for name in GOOD_NAMES if name not in BEYOND])
def test_pysaml2_reads_the_same_claims_from_every_good_vector(name):
    ours = accepted(name)
    with time_machine.travel(NOW, tick=False):
        theirs = second_opinion(name)
    # it keeps what pretty-printers put around a name
    assert theirs.name_id.text.strip(" \t\r\n") == ours.subject
    assert theirs.issuer() == ours.issuer
    assert theirs.assertion.id == ours.assertion_id
    sent: dict[str, tuple[str, ...]] = {}
    for statement in theirs.assertion.attribute_statement:
        for attribute in statement.attribute:
            texts = tuple(value.text for value in attribute.attribute_value if value.text)
            sent[attribute.name] = sent.get(attribute.name, ()) + texts
    assert sent == dict(ours.attributes)
