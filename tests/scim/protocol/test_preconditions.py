"""If-Match: whoever changes a resource may say which version of it was seen (RFC 7644 §3.14)."""

import pytest

from scim.protocol.errors import PreconditionFailed
from scim.protocol.preconditions import require_match


@pytest.mark.parametrize("header", ["*", 'W/"3"', 'W/"2", W/"3"'])
def test_require_match_accepts_the_version_that_is_there(header):
    require_match(header, 3)


@pytest.mark.parametrize("header", ['W/"2"', 'W/"33"', "3", "W/"])
def test_require_match_refuses_every_other_version(header):
    with pytest.raises(PreconditionFailed, match=r'has the version W/"3" now'):
        require_match(header, 3)
