from dataclasses import dataclass, field

from orgs.base.errors import NotFound, RuleViolated
from sso.connections.types import Binding
from sso.saml.endpoints import LONGEST_URL
from sso.saml.metadata_input import LARGEST_DOCUMENT

__all__ = ["LARGEST_DOCUMENT", "LONGEST_URL", "MAX_SNAPSHOTS", "Remark", "TypedIdp"]
MAX_SNAPSHOTS = 20


@dataclass(frozen=True, slots=True)
class TypedIdp:
    """What an admin typed instead of metadata; `certificates` is PEM or bare base64, one or several."""

    entity_id: str
    sign_in_url: str
    binding: Binding
    certificates: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MetadataUse:
    """What an admin says of certificates when metadata is used."""

    accepts_expired: bool = False
    # what the version trusts already stays trusted beside what the metadata holds
    keeps_certificates: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that the admin should know of metadata that can be used. tone: info or warn."""

    tone: str
    text: str


class SnapshotUnknown(NotFound):
    code = "snapshot_unknown"
    public = "What was read is not here any more. Add the metadata again."


class CertificatesExpired(RuleViolated):
    code = "certificate_expired"
    public = (
        "Every signing certificate in it has expired. If the identity provider still signs with it, confirm that you trust it; "
        "otherwise renew it there, and read the metadata again."
    )


class MetadataRefused(RuleViolated):
    """The document can't be used; `code` and `public` are those of the reason."""

    def __init__(self, code: str, public: str) -> None:
        self.code = code  # type: ignore[misc]  # one class for every reason that the SAML core knows
        super().__init__(public)
