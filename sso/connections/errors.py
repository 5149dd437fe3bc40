from orgs.base.errors import Conflict, NotFound, RuleViolated


class ConnectionUnknown(NotFound):
    code = "connection_unknown"
    public = "There is no such connection in this organization."


class ConnectionNameTaken(Conflict):
    code = "connection_name_taken"
    public = "Another connection of this organization already has that name. Choose another."


class TooManyConnections(RuleViolated):
    code = "too_many_connections"
    public = "This organization has 25 connections already. Delete one that isn’t used, then add another."


class ChangedMeanwhile(Conflict):
    code = "changed_meanwhile"
    public = "Somebody else changed this connection while you had it open. Your input is kept below: compare, then save again."


class SeenNoLonger(Conflict):
    code = "seen_no_longer"
    public = "Somebody else changed this connection while you had it open. Nothing was done: look at it as it is now."


class NothingInPreparation(Conflict):
    code = "nothing_in_preparation"
    public = "No version is being prepared. Choose Reconfigure to begin one."


class SetupIncomplete(RuleViolated):
    code = "setup_incomplete"
    public = "The identity provider’s metadata is missing. Go back to that step and add it."


class LastCertificate(RuleViolated):
    code = "last_certificate"
    public = "It is the only certificate of this version: without one nobody could sign in. Add the new metadata first."


class CertificateUnknown(NotFound):
    code = "certificate_unknown"
    public = "This version doesn’t trust that certificate any more. Nothing was done: look at it as it is now."


class NotTested(RuleViolated):
    code = "not_tested"
    public = "This version hasn’t passed a test sign-in yet. Test it first; nothing changes for anybody until you turn it on."


class NotTurnedOn(Conflict):
    code = "not_turned_on"
    public = "This connection has never been turned on."


class IdentityUnknown(Conflict):
    code = "identity_unknown"
    public = "This Name ID isn’t linked to that member any more. Nothing was done: look at the sign-in as it is now."


class NameNotTyped(RuleViolated):
    code = "name_not_typed"
    public = "Type the connection’s name exactly as it is shown, to confirm."
