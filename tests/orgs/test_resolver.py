"""Looking up TXT records: from a DNS server on loopback, or from what the settings name instead."""

import socket
import threading
import time

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from orgs.base import resolver
from orgs.base.resolver import DnsProblem, TxtAnswer, lookup_txt

NAME = "_gatehouse.acme.example"
VALUE = "gatehouse-verify=0123"


class Dns:
    """A DNS server over UDP that gives one answer to every question, or none; `asked` are the names."""

    def __init__(self):
        self.records, self.code, self.is_mute, self.asked = [], dns.rcode.NOERROR, False, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))

    def run(self):
        while True:
            try:
                words, caller = self.socket.recvfrom(4096)
            except OSError:
                return
            if words == b"over":
                return
            question = dns.message.from_wire(words)
            self.asked.append(question.question[0].name.to_text())
            if not self.is_mute:
                self.socket.sendto(self.reply(question).to_wire(), caller)

    def reply(self, question):
        reply = dns.message.make_response(question)
        reply.set_rcode(self.code)
        if self.records:
            reply.answer = [dns.rrset.from_text(question.question[0].name, 60, "IN", "TXT", *self.records)]
        return reply


@pytest.fixture
def server(settings, monkeypatch):
    settings.TXT_LOOKUP = "orgs.base.resolver.ask_dns"
    monkeypatch.setattr(resolver, "LIFETIME_SECONDS", 0.5)
    made = Dns()
    asking = dns.resolver.Resolver(configure=False)
    asking.nameservers, asking.port = ["127.0.0.1"], made.socket.getsockname()[1]
    monkeypatch.setattr(resolver, "system_resolver", lambda: asking)
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.socket.sendto(b"over", made.socket.getsockname())
    thread.join()
    made.socket.close()


def test_lookup_txt_finds_a_record_at_exactly_its_name(server):
    server.records = [f'"{VALUE}"']
    assert lookup_txt(NAME) == TxtAnswer((VALUE,))
    assert server.asked == [f"{NAME}."]


def test_lookup_txt_joins_the_strings_of_one_record(server):
    server.records = ['"gatehouse-" "verify=" "0123"']
    assert lookup_txt(NAME).values == (VALUE,)


def test_lookup_txt_returns_all_values(server):
    server.records = ['"one"', '"two"']
    assert set(lookup_txt(NAME).values) == {"one", "two"}


def test_lookup_txt_replaces_unprintable_characters(server):
    server.records = [r'"a\000b\010\226\128\174\255c"']
    assert lookup_txt(NAME).values == ("a�b���c",)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (dns.rcode.NXDOMAIN, DnsProblem.NO_SUCH_NAME),
        (dns.rcode.NOERROR, DnsProblem.NO_RECORD),
        (dns.rcode.SERVFAIL, DnsProblem.SERVER_FAILURE),
        (dns.rcode.REFUSED, DnsProblem.SERVER_FAILURE),
    ],
)
def test_lookup_txt_gives_a_reason_when_there_are_no_values(server, code, problem):
    server.code = code
    assert lookup_txt(NAME) == TxtAnswer(problem=problem)


def test_lookup_txt_times_out_when_the_server_does_not_answer(server):
    server.is_mute = True
    began = time.monotonic()
    assert lookup_txt(NAME).problem is DnsProblem.TIMEOUT
    assert time.monotonic() - began < 2


def test_lookup_txt_asks_no_server_after_the_deadline(server):
    server.records = [f'"{VALUE}"']
    assert lookup_txt(NAME, until=time.monotonic() - 1).problem is DnsProblem.TIMEOUT
    assert server.asked == []


def test_lookup_txt_calls_can_share_one_deadline(server):
    server.is_mute = True
    until = resolver.patience()
    lookup_txt(NAME, until=until)
    server.asked.clear()
    assert lookup_txt(NAME, until=until).problem is DnsProblem.TIMEOUT
    assert server.asked == []


@pytest.mark.parametrize("name", ["a..example", "x" * 64 + ".example", ".".join(["a" * 60] * 5)])
def test_lookup_txt_gives_server_failure_for_an_invalid_name(server, name):
    assert lookup_txt(name).problem is DnsProblem.SERVER_FAILURE
    assert server.asked == []


def test_lookup_txt_gives_server_failure_without_a_configured_resolver(settings, monkeypatch):
    settings.TXT_LOOKUP = "orgs.base.resolver.ask_dns"

    def fail():
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(resolver, "system_resolver", fail)
    assert lookup_txt(NAME).problem is DnsProblem.SERVER_FAILURE


def test_system_resolver_is_read_anew_each_time():
    assert resolver.system_resolver() is not resolver.system_resolver()


def test_dns_problem_is_answer_for_no_such_name_and_no_record_only():
    assert {problem for problem in DnsProblem if problem.is_answer} == {DnsProblem.NO_SUCH_NAME, DnsProblem.NO_RECORD}


def test_lookup_txt_uses_the_function_named_in_the_settings_instead_of_dns(dns_records):
    dns_records[NAME] = [VALUE]
    assert lookup_txt(NAME) == TxtAnswer((VALUE,))


def test_lookup_txt_returns_at_most_fifty_values_of_512_characters(dns_records):
    dns_records[NAME] = ["x" * 600] * 60
    assert lookup_txt(NAME).values == ("x" * 512,) * 50
