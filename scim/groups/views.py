from django.http import HttpResponse
from django_scim.adapters import SCIMGroup
from django_scim.views import GroupsView

from orgs.base.clock import iso
from orgs.groups import queries as groups
from scim.directories import queries as directories
from scim.endpoint.listing import list_ids
from scim.endpoint.types import ScimRequest
from scim.endpoint.views import EndpointView, SearchView
from scim.groups import queries, services
from scim.groups.models import DirectoryGroup
from scim.protocol.group_changes import apply_to_group
from scim.protocol.groups import MemberReference, read_group, render_group
from scim.protocol.operations import read_operations
from scim.protocol.queryable import GROUPS
from scim.protocol.schemas import Document
from scim.protocol.search import read_search
from scim.protocol.users import Identity

# the answer to a PATCH of a group with more members doesn't list them
MOST_SHOWN = 1000


class DirectoryGroupAdapter(SCIMGroup):  # type: ignore[misc]  # django-scim2 has no types
    """A directory's group on the wire. `members` is None when the caller excluded them: a large group costs nothing then."""

    obj: DirectoryGroup
    url_name = "scim:groups"
    members: list[str] | None = None

    @property
    def location(self) -> str:
        return f"{directories.base_url(self.request.caller)}/Groups/{self.obj.scim_id}"

    def to_dict(self) -> Document:
        members = None if self.members is None else [self._reference(scim_id) for scim_id in self.members]
        return render_group(
            identity=self.identity,
            display_name=self.obj.group.name,
            external_id=self.obj.external_id or None,
            members=members,
            organization_role=self.obj.organization_role or None,
        )

    @property
    def identity(self) -> Identity:
        return Identity(
            id=self.obj.scim_id,
            location=self.location,
            created=iso(self.obj.created_at),
            last_modified=iso(self.obj.updated_at),
            version=self.obj.version,
        )

    def _reference(self, scim_id: str) -> MemberReference:
        return MemberReference(id=scim_id, location=f"{directories.base_url(self.request.caller)}/Users/{scim_id}")

    def delete(self) -> None:
        services.delete_group(caller=self.request.caller, scim_id=self.obj.scim_id)


class DirectoryGroupsView(EndpointView, GroupsView):  # type: ignore[misc]  # django-scim2 has no types
    """`/Groups` and `/Groups/<id>` (RFC 7644 §3.2)."""

    def get(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        return self._show(queries.find_group(request.caller.directory, uuid)) if uuid else self.get_many(request)

    def post(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.refuse_id(uuid)
        given = read_group(self.load_body(request.body), self.record.remarks)
        return self._show(services.create_group(caller=self.caller, given=given), status=201)

    def put(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.require_id(uuid)
        given = read_group(self.load_body(request.body), self.record.remarks)
        return self._show(services.replace_group(caller=self.caller, scim_id=uuid, given=given))

    def patch(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.require_id(uuid)
        change = apply_to_group(read_operations(self.load_body(request.body)), self.record.remarks)
        return self._changed(services.change_group(caller=self.caller, scim_id=uuid, change=change))

    def _changed(self, row: DirectoryGroup) -> HttpResponse:
        """Answer 204 for a large group, which RFC 7644 §3.5.2 allows where no `attributes` are asked for."""
        is_whole = self._wants_members() and "attributes" not in self.request.GET
        if not (is_whole and groups.has_more_members(row.group, MOST_SHOWN)):
            return self._show(row)
        self.record.resource_id, self.record.subject = row.scim_id, row.group.name
        response = HttpResponse(status=204)
        response["Location"] = self.scim_adapter(row, request=self.request).location
        return response

    def delete(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.require_id(uuid)
        return self.deleted(uuid, services.delete_group(caller=self.caller, scim_id=uuid))

    def name_of(self, scim_id: str) -> str:
        return queries.name_of(self.caller.directory, scim_id)

    def get_many(self, request: ScimRequest) -> HttpResponse:
        """Answer one page; the query count doesn't grow with its rows."""
        search, directory = read_search(request.GET), request.caller.directory
        found = queries.search(directory, search.filter)
        if search.is_plain:
            return self.answer_page(found, self._documents)
        listing = list_ids(found, search, queries.places_of(directory), GROUPS, self.caller)
        return self.answer_listing(self._documents(queries.in_order(directory, listing.ids)), listing, search)

    def _documents(self, rows: list[DirectoryGroup]) -> list[Document]:
        return [self._document(row, members) for row, members in self._with_members(rows)]

    def _with_members(self, rows: list[DirectoryGroup]) -> list[tuple[DirectoryGroup, list[str] | None]]:
        if not self._wants_members():
            return [(row, None) for row in rows]
        found = queries.members_of(self.request.caller.directory, rows)
        return [(row, found[row.group_id]) for row in rows]

    def _wants_members(self) -> bool:
        """Say whether the caller wants the members at all: Entra's lookups exclude them."""
        asked = self.request.GET
        excluded = {name.strip().casefold() for name in asked.get("excludedAttributes", "").split(",")}
        wanted = {name.strip().casefold().split(".")[0] for name in asked.get("attributes", "members").split(",")}
        return "members" in wanted and "members" not in excluded

    def _document(self, row: DirectoryGroup, members: list[str] | None) -> Document:
        adapter = self.scim_adapter(row, request=self.request)
        adapter.members = members
        document: Document = adapter.to_dict()
        return document

    def _show(self, row: DirectoryGroup, *, status: int = 200) -> HttpResponse:
        self.record.resource_id, self.record.subject = row.scim_id, row.group.name
        [document] = self._documents([row])
        return self.answer(document, status=status)


class GroupsSearchView(SearchView, DirectoryGroupsView):
    """`/Groups/.search`."""
