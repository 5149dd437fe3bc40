from django.db import transaction

from orgs.base.text import text_key
from scim.activity import queries
from scim.activity.models import ConnectionTest
from scim.activity.types import MARGIN, SAME_TEST, TESTS_KEPT
from scim.requests.models import RequestLog


@transaction.atomic
def record_connection_test(*, deletion: RequestLog) -> ConnectionTest | None:
    """Make the calls that led to this deletion one entry of the log, together with those of the test that it belongs to.

    A provider that makes and deletes a person and a group tests once; one that makes the same person again tests twice.
    Returns None for a call whose token is gone.
    """
    if deletion.token_id is None:
        return None
    last, subject = queries.latest_test(deletion.token_id), text_key(deletion.subject)
    if last is not None and deletion.at - last.ended_at <= SAME_TEST and subject not in last.subjects:
        return _extend(last, deletion, subject)
    after = last.ended_at + MARGIN if last is not None else None
    began = queries.first_call_of_test(deletion, after=after)
    ConnectionTest.objects.filter(directory_id=deletion.directory_id, ended_at__lt=deletion.at - TESTS_KEPT).delete()
    return ConnectionTest.objects.create(
        org_id=deletion.org_id,
        directory_id=deletion.directory_id,
        token_id=deletion.token_id,
        began_at=began,
        ended_at=deletion.at,
        entry=deletion.public_id,
        subjects=[subject],
    )


def _extend(test: ConnectionTest, deletion: RequestLog, subject: str) -> ConnectionTest:
    test.began_at = min(test.began_at, queries.first_call_of_test(deletion, after=None))
    test.ended_at, test.entry = deletion.at, deletion.public_id
    test.subjects = [*test.subjects, subject]
    test.save(update_fields=["began_at", "ended_at", "entry", "subjects"])
    return test
