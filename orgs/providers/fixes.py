"""What to do about refusals that no setting at the provider causes."""

from collections.abc import Mapping

from orgs.providers.idp_settings import Setting


def beyond_settings(party: str) -> Mapping[Setting, str]:
    """Return the advice for a hosted provider, whose clock isn't the admin's to set."""
    return {
        Setting.DOMAIN: (
            f"The address that {party} sends is outside of your verified domains. Correct the person’s address there, or "
            "verify its domain in Gatehouse, under Domains."
        ),
        Setting.CANONICALIZATION: (
            f"Choose exclusive canonicalization (exc-c14n) for the signatures of {party}, with or without comments. It may be "
            "called signature canonicalization method, or C14N. Where there is no such choice, ask its maker for it."
        ),
        Setting.REQUEST: (
            f"Enter our SP Entity ID and ACS URL at {party} anew, and see that it takes the requests of this app signed with "
            "RSA-SHA256. If it verifies them, give it our metadata again: the certificate is in there."
        ),
        Setting.CLOCK: (
            f"The clock of {party} isn’t yours to set. Try again; if it happens often, have the clock of the server that "
            "Gatehouse runs on checked."
        ),
        Setting.NOTHING: (
            f"No setting at {party} causes this. The code says what does; if trying again doesn’t help, give it to support."
        ),
    }
