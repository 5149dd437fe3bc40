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


def test_a_record_is_found_at_exactly_its_name(server):
    server.records = [f'"{VALUE}"']
    assert lookup_txt(NAME) == TxtAnswer((VALUE,))
    assert server.asked == [f"{NAME}."]


def test_the_strings_of_one_value_belong_together(server):
    server.records = ['"gatehouse-" "verify=" "0123"']
    assert lookup_txt(NAME).values == (VALUE,)


def test_several_values_are_all_returned(server):
    server.records = ['"one"', '"two"']
    assert set(lookup_txt(NAME).values) == {"one", "two"}


def test_what_cannot_be_shown_is_replaced(server):
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
def test_no_values_have_a_reason(server, code, problem):
    server.code = code
    assert lookup_txt(NAME) == TxtAnswer(problem=problem)


def test_a_server_that_says_nothing_is_left_in_time(server):
    server.is_mute = True
    began = time.monotonic()
    assert lookup_txt(NAME).problem is DnsProblem.TIMEOUT
    assert time.monotonic() - began < 2


def test_no_server_is_asked_once_the_patience_is_at_its_end(server):
    server.records = [f'"{VALUE}"']
    assert lookup_txt(NAME, until=time.monotonic() - 1).problem is DnsProblem.TIMEOUT
    assert server.asked == []


def test_look_ups_can_share_one_patience(server):
    server.is_mute = True
    until = resolver.patience()
    lookup_txt(NAME, until=until)
    server.asked.clear()
    assert lookup_txt(NAME, until=until).problem is DnsProblem.TIMEOUT
    assert server.asked == []


@pytest.mark.parametrize("name", ["a..example", "x" * 64 + ".example", ".".join(["a" * 60] * 5)])
def test_a_name_that_cannot_be_asked_for_is_a_failure_and_no_error(server, name):
    assert lookup_txt(name).problem is DnsProblem.SERVER_FAILURE
    assert server.asked == []


def test_a_machine_without_a_resolver_is_a_failure_and_no_error(settings, monkeypatch):
    settings.TXT_LOOKUP = "orgs.base.resolver.ask_dns"

    def fail():
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(resolver, "system_resolver", fail)
    assert lookup_txt(NAME).problem is DnsProblem.SERVER_FAILURE


def test_the_systems_own_resolver_is_read_anew():
    assert resolver.system_resolver() is not resolver.system_resolver()


def test_an_answer_is_told_from_none():
    assert {problem for problem in DnsProblem if problem.is_answer} == {DnsProblem.NO_SUCH_NAME, DnsProblem.NO_RECORD}


def test_the_function_that_the_settings_name_is_asked_instead_of_dns(dns_records):
    dns_records[NAME] = [VALUE]
    assert lookup_txt(NAME) == TxtAnswer((VALUE,))


def test_values_are_few_and_short(dns_records):
    dns_records[NAME] = ["x" * 600] * 60
    assert lookup_txt(NAME).values == ("x" * 512,) * 50
