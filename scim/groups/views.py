import json

from django.http import HttpResponse
from django_scim.adapters import SCIMGroup
from django_scim.views import GroupsView

from orgs.groups import queries as groups
from scim.directories import queries as directories
from scim.endpoint.listing import list_ids
from scim.endpoint.types import ScimRequest
from scim.endpoint.views import EndpointView, Page, Resource, SearchView
from scim.groups import queries, services
from scim.groups.models import DirectoryGroup
from scim.groups.types import GroupRow
from scim.protocol.group_changes import apply_to_group
from scim.protocol.groups import read_group
from scim.protocol.operations import read_operations
from scim.protocol.paging import PageRequest
from scim.protocol.projection import is_wanted
from scim.protocol.queryable import GROUPS
from scim.protocol.resolution import read_filter
from scim.protocol.schemas import Document
from scim.protocol.search import read_search

# the answer to a PATCH of a group with more members doesn't list them
MOST_SHOWN = 1000


class DirectoryGroupAdapter(SCIMGroup):  # type: ignore[misc]  # django-scim2 has no types
    """A directory's group on the wire. django-scim2's own delete() would take another tenant's row: services do it here."""

    obj: DirectoryGroup
    url_name = "scim:groups"

    def to_dict(self) -> Document:
        row = queries.read_group_row(self.request.caller, self.obj.scim_id, with_members=True)
        document: Document = json.loads(row.text(directories.base_url(self.request.caller), with_members=True))
        return document

    def delete(self) -> None:
        services.delete_group(caller=self.request.caller, scim_id=self.obj.scim_id)


class DirectoryGroupsView(EndpointView, GroupsView):  # type: ignore[misc]  # django-scim2 has no types
    """`/Groups` and `/Groups/<id>` (RFC 7644 §3.2)."""

    # a user who is deleted leaves the group without a new version of it
    unversioned = "members"

    def get(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        return self._show(uuid) if uuid else self.get_many(request)

    def post(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.refuse_id(uuid)
        given = read_group(self.load_body(request.body), self.record.remarks)
        return self._show(services.create_group(caller=self.caller, given=given).scim_id, status=201)

    def put(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.require_id(uuid)
        given = read_group(self.load_body(request.body), self.record.remarks)
        return self._show(services.replace_group(caller=self.caller, scim_id=uuid, given=given).scim_id)

    def patch(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.require_id(uuid)
        change = apply_to_group(read_operations(self.load_body(request.body)), self.record.remarks)
        return self._changed(services.change_group(caller=self.caller, scim_id=uuid, change=change))

    def _changed(self, row: DirectoryGroup) -> HttpResponse:
        """Answer 204 for a large group, which RFC 7644 §3.5.2 allows where no `attributes` are asked for."""
        is_whole = self._wants_members() and "attributes" not in self.request.GET
        if not (is_whole and groups.has_more_members(row.group, MOST_SHOWN)):
            return self._show(row.scim_id)
        self.record.resource_id, self.record.subject = row.scim_id, row.group.name
        response = HttpResponse(status=204)
        response["Location"] = f"{self.base}/Groups/{row.scim_id}"
        return response

    def delete(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.require_id(uuid)
        return self.deleted(uuid, services.delete_group(caller=self.caller, scim_id=uuid))

    def name_of(self, scim_id: str) -> str:
        return queries.name_of(self.caller.directory, scim_id)

    def get_many(self, request: ScimRequest) -> HttpResponse:
        """Answer one page; the query count doesn't grow with its rows."""
        search = read_search(request.GET)
        if search.is_plain:
            return self.answer_page(self._find(search.filter or "", search.page), search.page)
        directory = self.caller.directory
        found = queries.search(directory, read_filter(search.filter or "", GROUPS))
        listing = list_ids(found, search, queries.places_of(directory), GROUPS, self.caller)
        wanted = self._wants_members()
        rows = queries.in_order(directory, listing.ids, with_members=wanted)
        return self.answer_listing(self._page(rows, listing.total).resources, listing, search)

    def _find(self, filter_text: str, page: PageRequest) -> Page:
        """Return what a filter finds: by a prepared statement where it is one of those that look a group up."""
        wanted = self._wants_members()
        term = read_filter(filter_text, GROUPS)
        if term is None:
            rows = queries.read_page_of(self.caller, limit=page.count, offset=page.offset, with_members=wanted)
            total = page.total_by(len(rows))
            return self._page(rows, queries.total_of(self.caller) if total is None else total)
        known = queries.looked_up(self.caller, term, with_members=wanted)
        if known is not None:
            return self._page(known[page.offset : page.offset + page.count], len(known))
        found = queries.search(self.caller.directory, term)
        rows = queries.rows_found(found, limit=page.count, offset=page.offset, with_members=wanted)
        total = page.total_by(len(rows))
        return self._page(rows, found.count() if total is None else total)

    def _page(self, rows: list[GroupRow], total: int) -> Page:
        wanted = self._wants_members()
        base = self.base
        return Page([row.text(base, with_members=wanted) for row in rows], total)

    def _wants_members(self) -> bool:
        """Say whether the caller wants the members at all: Entra's lookups exclude them."""
        asked = self.request.GET
        return is_wanted("members", asked.get("attributes"), asked.get("excludedAttributes"))

    def _show(self, scim_id: str, *, status: int = 200) -> HttpResponse:
        wanted = self._wants_members()
        row = queries.read_group_row(self.caller, scim_id, with_members=wanted)
        self.record.resource_id, self.record.subject = str(row.public_id), row.name
        resource = Resource(
            text=row.text(self.base, with_members=wanted),
            location=f"{self.base}/Groups/{row.public_id}",
            version=f'W/"{row.version}"',
        )
        return self.answer_text(resource, status=status)


class GroupsSearchView(SearchView, DirectoryGroupsView):
    """`/Groups/.search`."""
