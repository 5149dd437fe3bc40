"""Each defect alone is refused, by its own code; and no change to a genuine message makes it say something else."""

import re
from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from sso.identity.errors import SignInError
from sso.identity.types import SignInCheck
from sso.saml.certificates import fingerprint
from sso.saml.response import verify
from tests.sso.saml.messages import (
    BAD_CODES,
    GOOD_NAMES,
    accepted,
    bad,
    code_of,
    expected_of,
    field,
    good,
    outcome,
)
from tests.vectors.saml import flavours
from tests.vectors.saml.bad import BAD
from tests.vectors.saml.flavours import Occasion
from tests.vectors.saml.hostile import HOSTILE
from tests.vectors.saml.signing import STANDARD, sign
from tests.vectors.saml.world import FOLDER, NOW, certificate_pem, expectation

ORDER = list(SignInCheck)


@pytest.mark.parametrize("name", sorted(BAD_CODES))
def test_response_with_one_defect_is_refused_with_the_code_of_that_defect(name):
    assert code_of(bad(name)) == BAD_CODES[name]


def test_refused_vectors_and_their_files_match():
    assert {name: refused.code for name, refused in BAD.items()} == BAD_CODES
    assert sorted(path.stem for path in (FOLDER / "bad").glob("*.xml")) == sorted(BAD_CODES)


@pytest.mark.parametrize("name", sorted(set(BAD) - {"ec_signature_for_rsa_key"}))
def test_refused_vector_files_equal_what_the_generator_writes(name):
    message = BAD[name].message()
    assert (message.encode() if isinstance(message, str) else message) == bad(name)


@pytest.mark.parametrize("name", sorted(BAD_CODES))
def test_refusal_lists_the_checks_before_it_as_passed(name):
    refusal = outcome(bad(name), expectation())
    assert isinstance(refusal, SignInError)
    others = [check for check in ORDER if check is not refusal.check]
    assert list(refusal.passed) == others[: len(refusal.passed)]


OF_SIGNATURES = {"signature_misshapen", "signature_invalid", "signature_canonicalization"}


@pytest.mark.parametrize("name", sorted(name for name, code in BAD_CODES.items() if code in OF_SIGNATURES))
def test_a_refused_signature_shows_what_was_expected_and_received(name):
    refusal = outcome(bad(name), expectation())
    assert isinstance(refusal, SignInError)
    assert refusal.expected
    assert refusal.received or name in {"transforms_empty", "canonicalization_of_no_name"}


def test_refused_signature_shows_the_unverified_fingerprint_of_the_certificate_in_the_message():
    refusal = outcome(bad("attacker_certificate_in_key_info"), expectation("idp", "ec"))
    assert isinstance(refusal, SignInError)
    own = " or ".join(fingerprint(certificate_pem(name)) for name in ("idp", "ec"))
    claimed = fingerprint(certificate_pem("other"))
    assert (refusal.expected, refusal.received) == (own, f"the message names {claimed} (its own claim, not verified)")


@pytest.mark.parametrize("claimed", ["", "AAA", "*", "\u00e9"])
def test_refused_signature_names_no_certificate_when_the_one_in_the_message_is_malformed(claimed):
    document = re.sub(
        "<ds:X509Certificate>[^<]*", f"<ds:X509Certificate>{claimed}", bad("attacker_certificate_in_key_info").decode()
    )
    refusal = outcome(document, expectation())
    assert isinstance(refusal, SignInError)
    assert refusal.received.startswith("a signature that names no certificate")


def test_refused_signature_shows_the_first_fingerprints_and_counts_the_rest():
    refusal = outcome(bad("other_key"), expectation("idp", "ec", "idp", "ec", "idp"))
    assert isinstance(refusal, SignInError)
    assert refusal.expected.endswith(", or one of 2 more")
    assert len(refusal.expected) < 300


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_resource_exhausting_message_is_refused(name):
    code, make = HOSTILE[name]
    with pytest.raises(SignInError) as refused:
        verify(make(), expectation(), now=NOW)
    assert refused.value.code == code


def test_refusal_truncates_the_received_value_to_300_characters():
    refusal = outcome(good("okta_both").replace(b"rsa-sha256", b"r" * 10_000), expectation())
    assert isinstance(refusal, SignInError)
    assert len(refusal.received) == 300


# whatever is done to a genuine message, it is refused or says what it said

names = st.sampled_from(GOOD_NAMES)
places = st.integers(0, 8_000)


def require_harmless(document: bytes, name: str) -> None:
    """Refused, or the same claims; a signature may have been lost on the way where the other covers the assertion."""
    found, genuine = outcome(document, expected_of(name)), accepted(name)
    if not isinstance(found, SignInError):
        assert found.signed <= genuine.signed
        # each of two signatures may be another certificate's
        assert found.certificates
        assert set(found.certificates) <= set(genuine.certificates)
        assert replace(found, signed=genuine.signed, certificates=genuine.certificates) == genuine


def written(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="unicode").encode()


def tree_and_nodes(name):
    root = etree.fromstring(good(name))
    return root, list(root.iter())


def pick(nodes, place):
    return nodes[place % len(nodes)]


@given(names, places, st.integers(0, 255))
def test_changing_a_byte_changes_no_claim(name, place, byte):
    document = bytearray(good(name))
    document[place % len(document)] = byte
    require_harmless(bytes(document), name)


@given(names, places, st.integers(0, 7))
def test_flipping_a_bit_changes_no_claim(name, place, bit):
    document = bytearray(good(name))
    document[place % len(document)] ^= 1 << bit
    require_harmless(bytes(document), name)


@given(
    names, places, st.integers(1, 400), st.sampled_from([b"", b"<!---->", b"<x/>", b"&#0;", b"<![CDATA[", b"]]>", b'"'])
)
def test_replacing_a_piece_changes_no_claim(name, place, length, piece):
    document = good(name)
    place %= len(document)
    require_harmless(document[:place] + piece + document[place + length :], name)


@given(names, places, places, st.integers(1, 3_000))
def test_repeating_a_piece_elsewhere_changes_no_claim(name, place, source, length):
    document = good(name)
    place, source = place % len(document), source % len(document)
    require_harmless(document[:place] + document[source : source + length] + document[place:], name)


HOWS = st.sampled_from(["append", "before", "after", "replace", "first"])


def put(node, target, how):
    if how == "append":
        target.append(node)
    elif how == "first":
        target.insert(0, node)
    elif target.getparent() is None:
        return
    elif how == "before":
        target.addprevious(node)
    elif how == "after":
        target.addnext(node)
    else:
        target.getparent().replace(target, node)


@given(names, places, places, HOWS)
def test_moving_an_element_changes_no_claim(name, moved, target, how):
    root, nodes = tree_and_nodes(name)
    node, target = pick(nodes, moved), pick(nodes, target)
    if node is root or node is target or node in target.iterancestors():
        return
    put(node, target, how)
    require_harmless(written(root), name)


@given(names, places, places, HOWS)
def test_copying_an_element_changes_no_claim(name, copied, target, how):
    root, nodes = tree_and_nodes(name)
    put(deepcopy(pick(nodes, copied)), pick(nodes, target), how)
    require_harmless(written(root), name)


@given(names, places)
def test_removing_an_element_changes_no_claim(name, place):
    root, nodes = tree_and_nodes(name)
    node = pick(nodes, place)
    if node is not root:
        node.getparent().remove(node)
    require_harmless(written(root), name)


@given(names, places, places)
def test_wrapping_an_element_in_a_copy_of_another_changes_no_claim(name, place, around):
    root, nodes = tree_and_nodes(name)
    node, other = pick(nodes, place), pick(nodes, around)
    wrapper = etree.Element(other.tag, dict(other.attrib), nsmap=other.nsmap)
    if node is root:
        wrapper.append(root)
        root = wrapper
    else:
        node.getparent().replace(node, wrapper)
        wrapper.append(node)
    require_harmless(written(root), name)


@given(names, places, places)
def test_exchanging_texts_changes_no_claim(name, one, other):
    root, nodes = tree_and_nodes(name)
    first, second = pick(nodes, one), pick(nodes, other)
    first.text, second.text = second.text, first.text
    require_harmless(written(root), name)


TAGS = st.sampled_from(["Assertion", "Response", "Signature", "Subject", "NameID", "Conditions", "Issuer", "Object"])


@given(names, places, TAGS)
def test_renaming_an_element_changes_no_claim(name, place, tag):
    root, nodes = tree_and_nodes(name)
    node = pick(nodes, place)
    node.tag = node.tag.rpartition("}")[0] + "}" + tag
    require_harmless(written(root), name)


@given(names, places, places)
def test_giving_an_element_the_attributes_of_another_changes_no_claim(name, one, other):
    root, nodes = tree_and_nodes(name)
    pick(nodes, one).attrib.update(pick(nodes, other).attrib)
    require_harmless(written(root), name)


STYLES = [(STANDARD, None), (None, STANDARD), (STANDARD, STANDARD)]


def of_two_people(style):
    """Return genuine messages of one style: Uma's, and Olga's of the same minute."""
    text = Occasion().fill(flavours.JUMPCLOUD)
    others = Occasion(serial="2").fill(flavours.JUMPCLOUD.replace("uma@", "olga@"))
    return sign(text, *style), sign(others, *style)


PAIRS = [of_two_people(style) for style in STYLES]


@given(st.sampled_from(PAIRS), places, places, HOWS)
def test_element_of_one_genuine_message_put_into_another_changes_no_claim(pair, taken, target, how):
    genuine = [verify(field(message), expectation(), now=NOW) for message in pair]
    root, other = (etree.fromstring(message) for message in pair)
    put(deepcopy(pick(list(other.iter()), taken)), pick(list(root.iter()), target), how)
    found = outcome(written(root), expectation())
    assert isinstance(found, SignInError) or any(
        found.subject == claims.subject and found.attributes == claims.attributes for claims in genuine
    )
