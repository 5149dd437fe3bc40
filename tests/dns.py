"""What the tests have instead of DNS: a table of TXT records or failures, which `dns_records` gives and empties."""

from orgs.base.resolver import DnsProblem, TxtAnswer, txt_answer

DnsRecords = dict[str, list[str] | DnsProblem]
RECORDS: DnsRecords = {}


def lookup_txt(name: str, *, until: float | None = None) -> TxtAnswer:
    found = RECORDS.get(name.rstrip(".").lower(), DnsProblem.NO_SUCH_NAME)
    return TxtAnswer(problem=found) if isinstance(found, DnsProblem) else txt_answer(found)
