from orgs.base.errors import Conflict, NotFound, RuleViolated
from orgs.domains.types import MAX_DOMAINS


class CheckedJustNow(RuleViolated):
    code = "checked_just_now"
    public = "It was checked a moment ago, and shows what DNS returned then. Wait five seconds, then check again."


class DomainInvalid(RuleViolated):
    code = "domain_invalid"
    public = "That isn't a domain name. Write it as example.com, without https:// or a path."


class DomainIsPublic(RuleViolated):
    code = "domain_is_public"
    public = "That domain belongs to a public mail service, so no organization can claim it."


class DomainIsSuffix(RuleViolated):
    code = "domain_is_suffix"
    public = (
        "That is a public suffix: the names below it belong to many owners, so no organization can claim it. "
        "Write your own domain, as in example.com."
    )


class DomainTaken(Conflict):
    code = "domain_taken"
    public = "Another organization has already verified this domain. Contact support if it is yours."


class DomainUnknown(NotFound):
    code = "domain_unknown"
    public = "There is no such domain in this organization."


class TooManyDomains(RuleViolated):
    code = "too_many_domains"
    public = f"This organization has {MAX_DOMAINS} domains already. Remove one that isn't used, then add another."
