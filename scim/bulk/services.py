"""A bulk request's operations, each in a transaction of its own: one that fails undoes nothing of the others."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from django.db import transaction

from scim.directories import queries as directories
from scim.directories.types import ScimCaller
from scim.groups import services as groups
from scim.protocol.bulk import BulkOperation, BulkOutcome, BulkRequest, in_order, resolved
from scim.protocol.errors import InvalidValue, RuleConflict, ScimError
from scim.protocol.group_changes import apply_to_group
from scim.protocol.groups import read_group
from scim.protocol.operations import read_operations
from scim.protocol.remarks import Remarks
from scim.protocol.users import read_user
from scim.users import services as users

STATUSES = {"POST": 201, "PUT": 200, "PATCH": 200, "DELETE": 204}


Admit = Callable[[], ScimCaller]
Translate = Callable[[Exception], ScimError]


@dataclass(slots=True)
class BulkRun:
    """A bulk request under way. `ids` are what the new resources are called by their bulkIds."""

    caller: ScimCaller
    remarks: Remarks
    admit: Admit
    translate: Translate
    ids: dict[str, str] = field(default_factory=dict)


def perform_bulk(
    *, caller: ScimCaller, request: BulkRequest, remarks: Remarks, admit: Admit, translate: Translate
) -> list[BulkOutcome]:
    """Perform the operations, those first that others refer to, until so many have failed as the request accepts.

    Opens a transaction for each, so it must not be called within one. `admit` returns the caller in each of them: a token
    that is revoked meanwhile changes nothing more. Raises nothing: an error is its operation's outcome, in the form that
    `translate` gives it.
    """
    ordered, circular = in_order(request.operations)
    run, outcomes, errors = BulkRun(caller, remarks, admit, translate), list[BulkOutcome](), 0
    refused = RuleConflict("The operations refer to one another in a circle. Create one first, then change it.")
    for operation in [*ordered, *(replace(one, problem=refused) for one in circular)]:
        outcome = _outcome(run, operation)
        outcomes.append(outcome)
        errors += outcome.error is not None
        if request.fail_on_errors is not None and errors >= request.fail_on_errors:
            break
    remarks.note(f"{len(request.operations)} operations: {len(outcomes) - errors} done, {errors} refused.")
    return outcomes


def _outcome(run: BulkRun, operation: BulkOperation) -> BulkOutcome:
    base = f"{directories.base_url(run.caller)}/{operation.resource.capitalize()}"
    try:
        if operation.problem is not None:
            raise operation.problem
        known = _with_ids(run, operation)
        with transaction.atomic(durable=True):
            # `version` is to an operation what If-Match is to a request (RFC 7644 §3.7)
            one = replace(run, caller=replace(run.admit(), if_match=known.version or None))
            scim_id, version = ACTS[known.method, known.resource](one, known)
    except Exception as error:  # noqa: BLE001 - one operation's failure is its own answer; what nobody foresaw is logged
        refusal = run.translate(error)
        location = f"{base}/{operation.resource_id}" if operation.resource_id else ""
        return BulkOutcome(operation, refusal.status, location, error=refusal)
    if known.bulk_id:
        run.ids[known.bulk_id] = scim_id
    return BulkOutcome(known, STATUSES[known.method], f"{base}/{scim_id}", version)


def _with_ids(run: BulkRun, operation: BulkOperation) -> BulkOperation:
    """Return the operation with ids for bulkIds. Raises InvalidValue for one that no operation has made."""
    missing = sorted(operation.refers - run.ids.keys())
    if missing:
        raise InvalidValue(f"No operation of this request has made what bulkId:{missing[0][:64]} stands for.")
    if not operation.refers:
        return operation
    scim_id = str(resolved(operation.resource_id, run.ids))
    return replace(operation, resource_id=scim_id, data=resolved(operation.data, run.ids))


Made = tuple[str, int | None]


def _create_user(run: BulkRun, operation: BulkOperation) -> Made:
    made = users.create_user(caller=run.caller, document=read_user(operation.data, run.remarks))
    return made.scim_id, made.version


def _replace_user(run: BulkRun, operation: BulkOperation) -> Made:
    changed = users.replace(caller=run.caller, scim_id=operation.resource_id, body=operation.data, remarks=run.remarks)
    return changed.scim_id, changed.version


def _patch_user(run: BulkRun, operation: BulkOperation) -> Made:
    changed = users.patch_user(
        caller=run.caller, scim_id=operation.resource_id, body=operation.data, remarks=run.remarks
    )
    return changed.scim_id, changed.version


def _delete_user(run: BulkRun, operation: BulkOperation) -> Made:
    users.delete_user(caller=run.caller, scim_id=operation.resource_id)
    return operation.resource_id, None


def _create_group(run: BulkRun, operation: BulkOperation) -> Made:
    made = groups.create_group(caller=run.caller, given=read_group(operation.data, run.remarks))
    return made.scim_id, made.version


def _replace_group(run: BulkRun, operation: BulkOperation) -> Made:
    given = read_group(operation.data, run.remarks)
    changed = groups.replace_group(caller=run.caller, scim_id=operation.resource_id, given=given)
    return changed.scim_id, changed.version


def _patch_group(run: BulkRun, operation: BulkOperation) -> Made:
    change = apply_to_group(read_operations(operation.data), run.remarks)
    changed = groups.change_group(caller=run.caller, scim_id=operation.resource_id, change=change)
    return changed.scim_id, changed.version


def _delete_group(run: BulkRun, operation: BulkOperation) -> Made:
    groups.delete_group(caller=run.caller, scim_id=operation.resource_id)
    return operation.resource_id, None


ACTS: dict[tuple[str, str], Callable[[BulkRun, BulkOperation], Made]] = {
    ("POST", "users"): _create_user,
    ("PUT", "users"): _replace_user,
    ("PATCH", "users"): _patch_user,
    ("DELETE", "users"): _delete_user,
    ("POST", "groups"): _create_group,
    ("PUT", "groups"): _replace_group,
    ("PATCH", "groups"): _patch_group,
    ("DELETE", "groups"): _delete_group,
}
