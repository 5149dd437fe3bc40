"""What the demo's portal asks instead of DNS, which knows nothing of made-up names: the records of the test IdP's page."""

from django.conf import settings

from orgs.base.resolver import DnsProblem, TxtAnswer, txt_answer
from sandbox.test_idp.errors import StateUnreadable
from sandbox.test_idp.records import values_of


def lookup_txt(name: str, *, until: float | None = None) -> TxtAnswer:
    """Return the TXT records of exactly this name, as `orgs.base.resolver.ask_dns` does."""
    try:
        values = values_of(settings.TEST_IDP_FOLDER, name.rstrip(".").lower())
    except StateUnreadable:
        return TxtAnswer(problem=DnsProblem.SERVER_FAILURE)
    return txt_answer(values) if values else TxtAnswer(problem=DnsProblem.NO_SUCH_NAME)
