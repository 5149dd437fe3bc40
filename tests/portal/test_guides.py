"""The guides of docs/providers are pages of the settings, too, and lead to each other."""

import re

import pytest

from orgs.providers.registry import PROVIDERS
from portal.site.guides import pages

GUIDES = "/orgs/acme/settings/guides/"


@pytest.mark.parametrize("name", [*(one.code for one in PROVIDERS), "troubleshooting", "README"])
def test_each_guide_is_a_page_whose_links_lead_to_guides(sign_in, olga, name):
    page = sign_in(olga).get(f"{GUIDES}{name}/").content.decode()
    article = page[page.index("<article") : page.index("</article>")]
    assert {found.split("#")[0] for found in re.findall(r'href="\.\./([\w#-]+)/', article)} <= set(pages())
    assert ".md" not in re.sub(r"<code>.*?</code>", "", article)


def test_guide_of_jumpcloud_covers_sign_in_and_provisioning(sign_in, olga):
    page = sign_in(olga).get(f"{GUIDES}jumpcloud/").content.decode()
    assert "2. Copy our values into it</h2>" in page
    assert "What happens here</h3>" in page


def test_link_to_a_code_leads_to_its_heading(sign_in, olga):
    guide = sign_in(olga).get(f"{GUIDES}jumpcloud/").content.decode()
    codes = set(re.findall(r'href="\.\./troubleshooting/#([\w-]+)"', guide))
    page = sign_in(olga).get(f"{GUIDES}troubleshooting/").content.decode()
    assert codes
    assert codes <= set(re.findall(r'<h[23] id="([\w-]+)"', page))


def test_guide_of_nobody_is_not_found(sign_in, olga):
    assert sign_in(olga).get(f"{GUIDES}nobody/").status_code == 404
