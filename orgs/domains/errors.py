from orgs.base.errors import Conflict, RuleViolated


class DomainInvalid(RuleViolated):
    code = "domain_invalid"
    public = "That isn't a domain name. Write it as example.com, without https:// or a path."


class DomainIsPublic(RuleViolated):
    code = "domain_is_public"
    public = "That domain belongs to a public mail service, so no organization can claim it."


class DomainTaken(Conflict):
    code = "domain_taken"
    public = "Another organization has already proved this domain. Contact support if it is yours."
