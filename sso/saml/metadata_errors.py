"""Why metadata or a certificate that an admin enters can't be used. `public` is shown at the field."""

from typing import ClassVar

from sso.saml.errors import LONGEST_DETAIL


class MetadataError(Exception):
    """Metadata or a certificate can't be used; `public` tells the admin what is wrong and what to do."""

    code: ClassVar[str] = "metadata_invalid"
    public: ClassVar[str] = "This isn’t SAML metadata of an identity provider."

    def __init__(self, *, received: str = "") -> None:
        self.received = received[:LONGEST_DETAIL]
        super().__init__(self.code)


class MetadataIsHtml(MetadataError):
    code = "metadata_is_html"
    public = "This is a web page, not metadata. Copy the metadata link itself, or download the XML and upload it."


class MetadataUnreadable(MetadataError):
    code = "metadata_unreadable"
    public = "This isn’t well-formed XML. Download the metadata again, and upload the file as it is."


class MetadataMisencoded(MetadataError):
    code = "metadata_encoding"
    public = "This XML isn’t in UTF-8. Save it as UTF-8, or download it again and upload the file as it is."


class MetadataForbidden(MetadataError):
    code = "metadata_forbidden_markup"
    public = "This XML holds a DTD or entities, which metadata never needs. Export it from the identity provider again."


class MetadataTooLarge(MetadataError):
    code = "metadata_too_large"
    public = (
        "This is larger than 1 MB. Metadata of one identity provider is a few kilobytes: export that of your app only."
    )


class MetadataOfNoIdp(MetadataError):
    code = "metadata_no_idp"
    public = "This metadata describes no identity provider (no IDPSSODescriptor). Don’t paste our own, but the IdP’s."


class MetadataOfSeveral(MetadataError):
    code = "metadata_several_idps"
    public = "This metadata describes several identity providers. Export that of your app only."


class EntityIdInvalid(MetadataError):
    code = "entity_id_invalid"
    public = "The entity ID is missing, longer than 1,024 characters, or holds characters that can’t be shown."


class EndpointMissing(MetadataError):
    code = "endpoint_missing"
    public = "There is no sign-in URL for HTTP-Redirect or HTTP-POST in it."


class EndpointNotHttps(MetadataError):
    code = "endpoint_not_https"
    public = "The sign-in URL must begin with https://."


class CertificateMissing(MetadataError):
    code = "certificate_missing"
    public = "There is no signing certificate in it. Activate the app at the identity provider, then export again."


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


class CertificateExpired(MetadataError):
    code = "certificate_expired"
    public = "The signing certificate has expired. Renew it at the identity provider, then export again."


class KeyTooWeak(MetadataError):
    code = "key_too_weak"
    public = "The signing key can’t be trusted: RSA needs 2,048 to 8,192 bits, EC one of P-256, P-384 and P-521."


class MetadataExpired(MetadataError):
    code = "metadata_expired"
    public = "This metadata says that it is no longer valid (validUntil). Export it again."


class MetadataEndUnreadable(MetadataError):
    code = "metadata_end_unreadable"
    public = "Until when this metadata is valid can’t be read (validUntil). Export it again, or take that out."
