from orgs.base.errors import NotFound, RuleViolated


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
