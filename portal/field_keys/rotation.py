from django.db import transaction

from orgs.base import sealed
from orgs.base.sealed import SealingKey
from portal.field_keys import counting
from portal.field_keys.columns import SEALED_COLUMNS, Count, SealedColumn
from portal.field_keys.queries import rows_of


def reseal_everything() -> list[Count]:
    """Seal under the first key whatever another key opens, and return what every column holds afterwards.

    Each row is a transaction of its own, so an interrupted run goes on where it stopped. What no key opens stays.
    """
    return [_reseal_column(column) for column in SEALED_COLUMNS]


def _reseal_column(column: SealedColumn) -> Count:
    old = [pk for pk, value in counting.values_of(column) if counting.needs_seal(column, value)]
    resealed = sum(reseal_row(column=column, pk=pk) for pk in old)
    # counted anew: a process with the former order of keys may have written meanwhile
    count = counting.count_column(column)
    count.resealed = resealed
    return count


@transaction.atomic
def reseal_row(*, column: SealedColumn, pk: int) -> bool:
    """Seal one row's values anew. Returns whether there was still something to do."""
    row = rows_of(column.model).select_for_update().filter(pk=pk).first()
    if row is None or not counting.needs_seal(column, value := getattr(row, column.field)):
        return False
    setattr(row, column.field, column.replaced(value, _reseal))
    # this column alone: what the row holds besides may be changed by who doesn't lock it
    row.save(update_fields=[column.field])
    return True


def _reseal(text: str) -> str:
    return sealed.seal(sealed.unseal(text)) if sealed.key_state(text) is SealingKey.OTHER else text
