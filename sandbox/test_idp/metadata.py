"""What an app reads about this identity provider (SAML Metadata §2.4.3)."""

from lxml import etree

from sandbox.test_idp.keys import bare
from sandbox.test_idp.types import App

MEDIA_TYPE = "application/samlmetadata+xml"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"
DS = "http://www.w3.org/2000/09/xmldsig#"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
BINDINGS = "urn:oasis:names:tc:SAML:2.0:bindings"


def build_metadata(app: App, sso_url: str, certificate: str) -> bytes:
    """Return the app's metadata: the PEM certificate's key signs, and POST is offered always, Redirect when declared."""
    entity = etree.Element(f"{{{MD}}}EntityDescriptor", {"entityID": app.idp_entity_id}, nsmap={"md": MD})
    role = {"WantAuthnRequestsSigned": "false", "protocolSupportEnumeration": PROTOCOL}
    idp = etree.SubElement(entity, f"{{{MD}}}IDPSSODescriptor", role)
    key = etree.SubElement(idp, f"{{{MD}}}KeyDescriptor", {"use": "signing"})
    info = etree.SubElement(key, f"{{{DS}}}KeyInfo", nsmap={"ds": DS})
    holder = etree.SubElement(info, f"{{{DS}}}X509Data")
    etree.SubElement(holder, f"{{{DS}}}X509Certificate").text = bare(certificate)
    etree.SubElement(idp, f"{{{MD}}}NameIDFormat").text = app.name_id_format
    for binding in ("HTTP-POST", *(["HTTP-Redirect"] if app.declares_redirect else [])):
        where = {"Binding": f"{BINDINGS}:{binding}", "Location": sso_url}
        etree.SubElement(idp, f"{{{MD}}}SingleSignOnService", where)
    return etree.tostring(entity, xml_declaration=True, encoding="UTF-8", pretty_print=True)
