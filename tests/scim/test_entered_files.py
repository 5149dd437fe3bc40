"""How many files somebody has to read who follows one PATCH of a user, and that docs/architecture.md names them."""

from tests.architecture.traced import documented_files, entered_files, is_read_on_the_way
from tests.scim.bodies import patch_body, user_body

PART = "The files that a PATCH enters"
MOST = 27


def entered(scim) -> set[str]:
    """Return the files that a change of one attribute enters, from the view to the log."""
    made = scim.post("/Users", user_body("uma@acme.example")).json()
    with entered_files() as found:
        response = scim.patch(
            f"/Users/{made['id']}", patch_body({"op": "replace", "path": "title", "value": "Engineer"})
        )
    assert response.json()["title"] == "Engineer"
    return {place for place in found if is_read_on_the_way(place)}


def test_files_that_a_patch_enters_are_those_that_the_architecture_names(scim):
    assert entered(scim) == documented_files(PART)


def test_patch_enters_no_more_files_than_the_bound():
    assert len(documented_files(PART)) <= MOST
