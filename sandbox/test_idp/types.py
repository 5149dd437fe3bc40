"""What the test IdP knows: apps, people, what an app asks for, and how to answer it."""

from dataclasses import dataclass, field

from django.db.models import TextChoices


class NameIdSource(TextChoices):
    """What the NameID says of a person."""

    EMAIL = "email", "email"
    USERNAME = "username", "username"
    CUSTOM = "custom", "a text of my own"


class IdpNameIdFormat(TextChoices):
    """SAML Core §8.3."""

    EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", "emailAddress (SAML 1.1)"
    UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified", "unspecified (SAML 1.1)"
    PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", "persistent (SAML 2.0)"
    TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient", "transient (SAML 2.0)"


class Signs(TextChoices):
    """Which elements of a response are signed."""

    RESPONSE = "response", "Response"
    ASSERTION = "assertion", "Assertion"
    BOTH = "both", "Response and assertion"


class Style(TextChoices):
    """Whose way of writing attributes is followed: their names, and the markup around them."""

    JUMPCLOUD = "jumpcloud", "JumpCloud: email, firstname, lastname, memberOf"
    OKTA = "okta", "Okta: email, firstName, lastName, groups"
    ENTRA = "entra", "Entra ID: claims whose names are addresses"


class Source(TextChoices):
    """What of a person an attribute tells."""

    EMAIL = "email", "email"
    USERNAME = "username", "username"
    FIRST_NAME = "firstname", "firstname"
    LAST_NAME = "lastname", "lastname"
    FULL_NAME = "displayname", "displayname"
    GROUPS = "groups", "groups"


class Fault(TextChoices):
    """The one thing that is wrong with a response."""

    NONE = "none", "Nothing: a good response"
    EXPIRED = "expired", "Expired: it was valid an hour ago"
    NOT_YET_VALID = "not-yet-valid", "Not yet valid: it will be in an hour"
    WRONG_AUDIENCE = "wrong-audience", "Wrong audience: it is meant for another app"
    WRONG_RECIPIENT = "wrong-recipient", "Wrong recipient: the assertion is for another ACS URL"
    WRONG_DESTINATION = "wrong-destination", "Wrong destination: the response is for another ACS URL"
    WRONG_ISSUER = "wrong-issuer", "Wrong issuer: another IdP says that it made it"
    UNSIGNED = "unsigned", "Unsigned: there is no signature at all"
    OTHER_KEY = "other-key", "Other key: signed with a key that isn't in the metadata"
    SHA1 = "sha1", "SHA-1: signed by a method that is broken"
    REPLAYED = "replayed", "Replayed: the last good response, sent once more"
    NO_EMAIL = "no-email", "No email attribute"
    STATUS_FAILURE = "status-failure", "Refused: a status that says no, and no assertion"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One row of an app's attribute mapping: the name that the app reads, and what is sent there."""

    name: str
    source: Source


_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
PRESETS = {
    Style.JUMPCLOUD: (
        Attribute("email", Source.EMAIL),
        Attribute("firstname", Source.FIRST_NAME),
        Attribute("lastname", Source.LAST_NAME),
        Attribute("memberOf", Source.GROUPS),
    ),
    Style.OKTA: (
        Attribute("email", Source.EMAIL),
        Attribute("firstName", Source.FIRST_NAME),
        Attribute("lastName", Source.LAST_NAME),
        Attribute("groups", Source.GROUPS),
    ),
    Style.ENTRA: (
        Attribute(f"{_CLAIMS}/name", Source.USERNAME),
        Attribute(f"{_CLAIMS}/emailaddress", Source.EMAIL),
        Attribute(f"{_CLAIMS}/givenname", Source.FIRST_NAME),
        Attribute(f"{_CLAIMS}/surname", Source.LAST_NAME),
        Attribute("http://schemas.microsoft.com/identity/claims/displayname", Source.FULL_NAME),
        Attribute("http://schemas.microsoft.com/ws/2008/06/identity/claims/groups", Source.GROUPS),
    ),
}


@dataclass(frozen=True, slots=True)
class IdpPerson:
    """Somebody who can sign in here."""

    email: str
    first: str = ""
    last: str = ""
    username: str = ""
    groups: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        return f"{self.first} {self.last}".strip()

    def values(self, source: Source) -> tuple[str, ...]:
        """Return what there is to tell; of a group membership, each by itself."""
        if source is Source.GROUPS:
            return self.groups
        text = {
            Source.EMAIL: self.email,
            Source.USERNAME: self.username or self.email.partition("@")[0],
            Source.FIRST_NAME: self.first,
            Source.LAST_NAME: self.last,
            Source.FULL_NAME: self.full_name,
        }[source]
        return (text,) if text else ()


@dataclass(frozen=True, slots=True)
class ResponseOptions:
    """How one response is made."""

    attributes: tuple[Attribute, ...]
    signs: Signs
    fault: Fault = Fault.NONE


@dataclass(frozen=True, slots=True)
class App:
    """A service provider, as an admin enters it. `id` is a slug; `sign_in_as` skips the form, for scripts."""

    id: str
    label: str
    idp_entity_id: str
    sp_entity_id: str
    acs_url: str
    name_id: NameIdSource = NameIdSource.EMAIL
    custom_name_id: str = ""
    name_id_format: IdpNameIdFormat = IdpNameIdFormat.EMAIL
    login_url: str = ""
    declares_redirect: bool = True
    signs: Signs = Signs.RESPONSE
    style: Style = Style.JUMPCLOUD
    attributes: tuple[Attribute, ...] = field(default=PRESETS[Style.JUMPCLOUD])
    sign_in_as: str = ""

    def usual_choice(self, fault: Fault = Fault.NONE) -> ResponseOptions:
        """Return how this app is answered when nobody says otherwise."""
        return ResponseOptions(self.attributes, self.signs, fault)


@dataclass(frozen=True, slots=True)
class AuthnRequestFacts:
    """What an AuthnRequest says (SAML Core §3.4.1). `is_signed` isn't a verdict: no signature is checked here."""

    id: str
    issuer: str
    binding: str
    acs_url: str = ""
    destination: str = ""
    name_id_format: str = ""
    is_signed: bool = False
    force_authn: bool = False
    is_passive: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """A browser that an app has sent here, or that opens a tile; then there is no request."""

    request: AuthnRequestFacts | None = None
    relay_state: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a browser carries to the ACS URL; `saml_response` is base64."""

    saml_response: str
    relay_state: str | None = None


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and its certificate, both PEM."""

    key: str = field(repr=False)
    certificate: str


@dataclass(frozen=True, slots=True)
class Keys:
    """The pair of the metadata, and one that nobody has been told of."""

    signing: KeyPair
    other: KeyPair
