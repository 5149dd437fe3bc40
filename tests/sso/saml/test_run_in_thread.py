"""Whatever is read from outside is forgotten: it has a thread of its own, with which the names end that it held."""

from concurrent.futures import ThreadPoolExecutor
from threading import current_thread

import pytest
from lxml import etree

from sso.identity.errors import SignInError
from sso.saml.markup import parse, run_in_thread
from sso.saml.metadata import read_idp_metadata
from sso.saml.metadata_errors import MetadataOfOther
from sso.saml.response import verify
from tests.sso.saml.messages import field
from tests.vectors.saml.world import NOW, expectation

# the one name whose being known can be seen: unknown, it is left out of a list of prefixes
NAMING = b'<x xmlns:y="#default"/>'


def has_been_named():
    """Say whether this thread has read NAMING."""
    root = etree.fromstring('<a xmlns="urn:d"><b:c xmlns:b="urn:b"/></a>')
    written = etree.tostring(root[0], method="c14n", exclusive=True, inclusive_ns_prefixes=["#default"])
    return b'xmlns="urn:d"' in written


def read_as_message():
    with pytest.raises(SignInError):
        verify(field(NAMING), expectation(), now=NOW)


def read_as_metadata():
    with pytest.raises(MetadataOfOther):
        read_idp_metadata(NAMING, now=NOW)


def known_after(read):
    """Say whether a thread that had read nothing knows the name afterwards."""

    def look():
        assert not has_been_named()
        read()
        return has_been_named()

    with ThreadPoolExecutor(1) as fresh:
        return fresh.submit(look).result()


def test_thread_keeps_xml_names_that_it_parses_itself():
    assert known_after(lambda: parse(NAMING))


@pytest.mark.parametrize("read", [read_as_message, read_as_metadata])
def test_messages_and_metadata_are_parsed_in_a_thread_that_ends(read):
    assert not known_after(read)


def test_run_in_thread_returns_the_result():
    assert run_in_thread(current_thread) is not current_thread()


def test_run_in_thread_raises_the_exception_of_the_thread():
    with pytest.raises(ZeroDivisionError):
        run_in_thread(lambda: 1 // 0)
