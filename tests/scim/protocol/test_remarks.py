"""What a request's reader says about it in the log."""

from scim.protocol.remarks import LONGEST_NAME, MOST_NAMES, Remarks


def test_text_is_empty_when_everything_was_taken():
    assert Remarks().text() == ""


def test_text_has_notes_first_then_what_was_ignored_and_left_out():
    remarks = Remarks()
    remarks.note("Done.")
    remarks.ignore("a")
    remarks.ignore("a")
    remarks.leave_out("b")
    assert remarks.text() == (
        "Done. Ignored, because there are no such attributes here: a. Left out, because they are too long: b."
    )


def test_text_names_so_many_attributes_and_counts_the_rest():
    remarks = Remarks()
    for number in range(MOST_NAMES + 2):
        remarks.ignore(f"a{number}")
    assert remarks.text().endswith(f"a{MOST_NAMES - 1} and 2 more.")


def test_name_of_an_attribute_is_cut():
    remarks = Remarks()
    remarks.ignore("x" * 1000)
    assert f" {'x' * LONGEST_NAME}." in remarks.text()
