from django.db import transaction

from orgs.base.text import text_key
from scim.activity import queries
from scim.activity.models import ConnectionTest
from scim.activity.types import SAME_TEST, TESTS_KEPT
from scim.requests.models import RequestLog


@transaction.atomic
def record_connection_test(*, deletion: RequestLog) -> ConnectionTest | None:
    """Make the calls that led to this deletion one entry of the log, with those of the tests that it is of one piece with.

    These lie within the time in which the resource existed, or ended just before it was made. A provider that makes the
    same person again, tests again. Returns None for a call whose token is gone.
    """
    if deletion.token_id is None:
        return None
    subject, recent = text_key(deletion.subject), queries.lock_recent_tests(deletion)
    former = next((test for test in recent if subject in test.subjects), None)
    began = queries.creation_before(deletion, after=former.ended_at if former is not None else None)
    same = [test for test in recent if test.ended_at >= began or _goes_on(test, deletion, subject)]
    queries.list_tests(deletion).filter(ended_at__lt=deletion.at - TESTS_KEPT).delete()
    queries.list_tests(deletion).filter(pk__in=[test.pk for test in same]).delete()
    return ConnectionTest.objects.create(
        org_id=deletion.org_id,
        directory_id=deletion.directory_id,
        token_id=deletion.token_id,
        began_at=min([began, *(test.began_at for test in same)]),
        ended_at=deletion.at,
        entry=deletion.public_id,
        subjects=sorted({subject}.union(*(test.subjects for test in same))),
    )


def _goes_on(test: ConnectionTest, deletion: RequestLog, subject: str) -> bool:
    return deletion.at - test.ended_at <= SAME_TEST and subject not in test.subjects
