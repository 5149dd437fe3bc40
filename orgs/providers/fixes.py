"""What is the same at every provider: refusals that no setting there causes, and how a certificate is renewed."""

from collections.abc import Mapping

from orgs.providers.idp_settings import Setting
from orgs.providers.types import Instruction


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


def renewal_steps(make: Instruction, hand_over: str, switch: Instruction) -> tuple[Instruction, ...]:
    """Return the steps during which people go on signing in: the new certificate is trusted here before it is used there."""
    return (
        make,
        Instruction(
            f"On the connection’s page choose **Reconfigure**, go to the step **Metadata**, and {hand_over}. Leave **Keep "
            "trusting these certificates, too** ticked.",
            note="The old certificate goes on verifying beside the new one.",
        ),
        Instruction("Test the new version, and activate it."),
        switch,
        Instruction(
            "Once a sign-in has come that is signed with the new certificate, remove the old one on the connection’s page, and "
            "activate that version, too."
        ),
    )
