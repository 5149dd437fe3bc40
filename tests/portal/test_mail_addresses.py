"""Mail to an internationalized domain goes to the domain by which the address is known, which IDNA 2003 may not."""

from allauth.account.adapter import get_adapter
from allauth.core.context import request_context
from django.core import mail
from django.core.mail.message import sanitize_address

from orgs.events.services import send_mail
from orgs.events.types import Mail
from tests.architecture.source import modules

ADDRESS = "bob@straße.example"
DELIVERED = "bob@xn--strae-oqa.example"


def sent_to() -> list[str]:
    """Return whom a mail server is told of, in the form in which Django tells it."""
    return [sanitize_address(address, "utf-8") for message in mail.outbox for address in message.recipients()]


def test_outbox_mail_goes_to_the_ascii_domain(db):
    context = {"org": "Acme", "link": "x", "base_url": "http://testserver", "inviter": "x", "days": 7}
    send_mail(Mail("invitation", ADDRESS, context))
    assert sent_to() == [DELIVERED]


def test_account_mail_goes_to_the_ascii_domain(rf, db):
    with request_context(rf.get("/")):
        get_adapter().send_mail("account/email/unknown_account", ADDRESS, {"signup_url": "x"})
    assert sent_to() == [DELIVERED]


def test_account_mail_to_several_recipients_goes_to_the_ascii_domain_of_each(rf):
    message = get_adapter().render_mail("account/email/unknown_account", [ADDRESS, "b@acme.example"], {"email": "x"})
    assert message.to == [DELIVERED, "b@acme.example"]


def test_mail_is_created_only_in_the_module_that_converts_addresses():
    making = {module.place for module in modules() if "EmailMessage(" in module.text or "send_mail(\n" in module.text}
    assert making == {"orgs/events/services.py"}
