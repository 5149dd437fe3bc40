"""Why metadata or a certificate that an admin enters can't be used. `public` is shown at the field."""

from typing import ClassVar

from sso.identity.errors import LONGEST_DETAIL


class MetadataError(Exception):
    """Metadata or a certificate can't be used; `public` tells the admin what is wrong and what to do.

    `received` is what stands there instead; it may be hostile, and is escaped where it is shown. `line` is where, counted
    from 1, and 0 where that isn't known; of a tag over several lines it is the last one.
    """

    code: ClassVar[str] = "metadata_invalid"
    public: ClassVar[str] = "This isn’t SAML metadata of an identity provider."

    def __init__(self, *, received: str = "", line: int = 0) -> None:
        self.received = received[:LONGEST_DETAIL]
        self.line = line
        super().__init__(self.code)

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, with what stands there instead and in which line."""
        found = f" Found: {self.received}." if self.received else ""
        where = f" See line {self.line}." if self.line else ""
        return self.public + found + where


class MetadataIsHtml(MetadataError):
    code = "metadata_is_html"
    public = (
        "This is a web page, perhaps a page to sign in, not metadata. Copy the metadata link itself, or download the XML and "
        "upload it."
    )


class MetadataIsJson(MetadataError):
    code = "metadata_is_json"
    public = (
        "This is JSON, not SAML metadata, which is XML. Copy the link to the app’s SAML metadata, or download its XML."
    )


class MetadataIsOidc(MetadataError):
    code = "metadata_is_oidc"
    public = (
        "This is a discovery document of OpenID Connect. At the identity provider make an app for SAML 2.0, and bring that "
        "app’s SAML metadata, which is XML."
    )


class MetadataIsCertificate(MetadataError):
    code = "metadata_is_certificate"
    public = "This is a certificate, not metadata. Choose “By hand”, and paste it there beside the entity ID and sign-in URL."


class MetadataIsCopiedPage(MetadataError):
    code = "metadata_is_copied_page"
    public = (
        "Other text stands before the XML, as when a browser’s view of it was selected and copied: parts may be missing. Save "
        "the page as a file (Ctrl+S or ⌘S) and upload that, or bring its address by “Metadata URL”."
    )


class MetadataUnreadable(MetadataError):
    code = "metadata_unreadable"
    public = "This isn’t well-formed XML. Download the metadata again, and upload the file as it is."


class AmpersandUnescaped(MetadataError):
    code = "metadata_ampersand"
    public = (
        "An & stands in it that isn’t written as &amp;, often in a URL, so it isn’t well-formed XML. Download the metadata "
        "again and upload the file as it is, or write &amp; there."
    )


class PrefixUndeclared(MetadataError):
    code = "metadata_prefix_undeclared"
    public = (
        "It uses a prefix, such as md: or ds:, that it doesn’t declare (xmlns:…), as when only a part was copied. Bring the "
        "whole document, from EntityDescriptor on."
    )


class MetadataCutOff(MetadataError):
    code = "metadata_cut_off"
    public = "The XML ends before its last element does: a part is missing. Download the metadata again, and upload it whole."


class MetadataMisencoded(MetadataError):
    code = "metadata_encoding"
    public = (
        "This XML is in an encoding that isn’t read here, or not in the one that it declares. Save it as UTF-8, or download "
        "it again and upload the file as it is."
    )


class MetadataForbidden(MetadataError):
    code = "metadata_forbidden_markup"
    public = "This XML holds a DTD or entities, which metadata never needs. Export it from the identity provider again."


class InstructionInMetadata(MetadataError):
    code = "metadata_instruction"
    public = (
        "This XML holds a processing instruction, such as xml-stylesheet, which metadata never needs. Export it without a "
        "stylesheet, or take that line out."
    )


class MetadataTooLarge(MetadataError):
    code = "metadata_too_large"
    public = (
        "This is larger than 1 MB, or has more than 10,000 elements. Metadata of one identity provider is a few kilobytes: "
        "export that of your app only."
    )


class MetadataOfNoIdp(MetadataError):
    code = "metadata_no_idp"
    public = "This metadata describes no identity provider (no IDPSSODescriptor). Export that of your app at the IdP."


class MetadataOfSp(MetadataError):
    code = "metadata_of_sp"
    public = (
        "This is metadata of a service provider, such as ours, not of an identity provider. Download the IdP’s own metadata "
        "from your app there."
    )


class MetadataOfOther(MetadataError):
    code = "metadata_other_xml"
    public = (
        "This XML isn’t SAML metadata: that begins with EntityDescriptor. Download the metadata of your app at the IdP."
    )


class NamespaceMissing(MetadataError):
    code = "metadata_namespace"
    public = (
        "Its elements aren’t in the namespace of SAML metadata. It must be declared on EntityDescriptor as "
        'xmlns="urn:oasis:names:tc:SAML:2.0:metadata": export the metadata again, and upload the file as it is.'
    )


class ProtocolMissing(MetadataError):
    code = "metadata_protocol_missing"
    public = (
        "The IDPSSODescriptor doesn’t say which protocol it speaks. Its attribute protocolSupportEnumeration must name "
        "urn:oasis:names:tc:SAML:2.0:protocol: export the metadata again, or have whoever wrote it add that."
    )


class ProtocolUnsupported(MetadataError):
    code = "metadata_protocol"
    public = (
        "The identity provider doesn’t offer SAML 2.0 in it (protocolSupportEnumeration), but an older or another protocol. "
        "Turn on SAML 2.0 for the app there, then export again."
    )


class MetadataOfSeveral(MetadataError):
    code = "metadata_several_idps"
    public = "This metadata describes several identity providers. Export that of your app only."


class RolesAmbiguous(MetadataError):
    code = "metadata_two_roles"
    public = (
        "One entity has several IDPSSODescriptors for SAML 2.0 in it, and which of them is meant can’t be known. Export the "
        "metadata of your app only, or take the other one out."
    )


class EntityIdInvalid(MetadataError):
    code = "entity_id_invalid"
    public = (
        "The entity ID is missing, longer than 1,024 characters, or holds characters that can’t be shown. Correct it at the "
        "identity provider, then export again."
    )


class EndpointMissing(MetadataError):
    code = "endpoint_missing"
    public = (
        "There is no sign-in URL (SingleSignOnService) for HTTP-Redirect or HTTP-POST in it. Turn one of them on at the "
        "identity provider, then export again."
    )


class EndpointNotHttps(MetadataError):
    code = "endpoint_not_https"
    public = "The sign-in URL must begin with https://, and name a host that browsers can open. Correct it at the IdP."


class CertificateMissing(MetadataError):
    code = "certificate_missing"
    public = "There is no signing certificate in it. Activate the app at the identity provider, then export again."


class CertificateNotIncluded(MetadataError):
    code = "certificate_not_included"
    public = (
        "The metadata only names its signing key, or holds it bare, and has no X509Certificate for it. Have the identity "
        "provider include the certificate, or choose “By hand” and paste it."
    )


class CertificateUnreadable(MetadataError):
    code = "certificate_unreadable"
    public = "The certificate can’t be read. Paste all of it, from BEGIN CERTIFICATE to END CERTIFICATE."


class CertificateIsMetadata(MetadataError):
    code = "certificate_is_metadata"
    public = "This is metadata, not a certificate. Save it as a file and bring it by “Metadata file”: the certificate is in it."


class CertificateIsKey(MetadataError):
    code = "certificate_is_key"
    public = "This is a public key without its certificate. Download the certificate (X.509) at the identity provider instead."


class CertificateIsRequest(MetadataError):
    code = "certificate_is_request"
    public = "This is a certificate request, not a certificate. Paste the certificate with which the identity provider signs."


class CertificateIsPkcs7(MetadataError):
    code = "certificate_is_pkcs7"
    public = "This is a PKCS #7 file (.p7b). Export the certificate again as Base-64 encoded X.509 (.cer or .pem)."


class CertificateIsFingerprint(MetadataError):
    code = "certificate_is_fingerprint"
    public = "This is the fingerprint of a certificate. Paste the certificate itself: it is much longer, and begins with MII."


class PrivateKeyPasted(MetadataError):
    code = "private_key_pasted"
    public = (
        "A private key is in this text, which nobody but the identity provider may have. Nothing was stored. Make a new key "
        "there, and paste its certificate only."
    )


class KeyIsPss(MetadataError):
    code = "key_is_pss"
    public = (
        "The certificate’s key is for RSASSA-PSS only, which sign-ins by SAML hardly use and which isn’t accepted. Have the "
        "identity provider sign with an RSA key (rsaEncryption) or an EC key."
    )


class KeyTooWeak(MetadataError):
    code = "key_too_weak"
    public = "The signing key can’t be trusted: RSA needs 2,048 to 8,192 bits, EC one of P-256, P-384 and P-521."


class MetadataExpired(MetadataError):
    code = "metadata_expired"
    public = "This metadata says that it is no longer valid (validUntil). Export it again."


class MetadataEndUnreadable(MetadataError):
    code = "metadata_end_unreadable"
    public = "Until when this metadata is valid can’t be read (validUntil). Export it again, or take that out."
