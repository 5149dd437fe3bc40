from django.http import HttpResponse

from scim.endpoint.mixed_listing import Found, MixedListing, list_found
from scim.endpoint.types import ScimRequest
from scim.endpoint.views import SearchView
from scim.groups import queries as groups
from scim.protocol.filters import parse
from scim.protocol.projection import is_wanted
from scim.protocol.queryable import GROUPS, USERS
from scim.protocol.search import read_search
from scim.users import queries as users

USER_KIND, GROUP_KIND = 0, 1


class RootSearchView(SearchView):
    """`/.search`: users and groups in one list (RFC 7644 §3.4.3)."""

    def get_many(self, request: ScimRequest) -> HttpResponse:
        """Answer one page; the query count doesn't grow with its rows."""
        search = read_search(request.GET)
        listing = list_found(self._find(search.filter), search, self.caller)
        return self.answer_listing(self._texts(listing), listing, search)

    def _find(self, filter_text: str | None) -> tuple[Found, Found]:
        """Return the users and the groups that a filter matches. Raises InvalidFilter."""
        directory = self.caller.directory
        of_users = Found(users.users_of(directory), USERS, users.places_of(directory))
        of_groups = Found(groups.groups_of(directory), GROUPS, groups.places_of(directory))
        if filter_text is None:
            return of_users, of_groups
        term = parse(filter_text)
        return of_users.filtered(term, GROUPS), of_groups.filtered(term, USERS)

    def _texts(self, listing: MixedListing) -> list[str]:
        asked, directory = self.request.GET, self.caller.directory
        shows_members = is_wanted("members", asked.get("attributes"), asked.get("excludedAttributes"))
        texts = {
            (USER_KIND, row.pk): row.text(self.base) for row in users.in_order(directory, listing.ids_of(USER_KIND))
        } | {
            (GROUP_KIND, row.pk): row.text(self.base, with_members=shows_members)
            for row in groups.in_order(directory, listing.ids_of(GROUP_KIND), with_members=shows_members)
        }
        # a row that was deleted in between is left out
        return [texts[key] for key in zip(listing.kinds, listing.ids, strict=True) if key in texts]
