from collections.abc import Sequence

from django.http import HttpResponse
from django_scim.adapters import SCIMUser
from django_scim.views import UsersView

from orgs.base.clock import iso
from orgs.groups.models import GroupMember
from scim.directories import queries as directories
from scim.endpoint.listing import list_ids
from scim.endpoint.types import ScimRequest
from scim.endpoint.views import EndpointView, SearchView
from scim.protocol.queryable import USERS
from scim.protocol.schemas import Document
from scim.protocol.search import read_search
from scim.protocol.users import GroupReference, Identity, read_user, render_user
from scim.users import queries, services
from scim.users.models import DirectoryUser


class DirectoryUserAdapter(SCIMUser):  # type: ignore[misc]  # django-scim2 has no types
    """A directory's user on the wire. django-scim2's own delete() would take another tenant's row: services do it here."""

    obj: DirectoryUser
    url_name = "scim:users"
    groups: Sequence[GroupMember] = ()

    @property
    def location(self) -> str:
        return f"{directories.base_url(self.request.caller)}/Users/{self.obj.scim_id}"

    def to_dict(self) -> Document:
        """Return the stored document with id, meta and the groups that were given."""
        groups = [self._reference(row) for row in self.groups]
        return render_user(self.obj.document, identity=self.identity, groups=groups)

    @property
    def identity(self) -> Identity:
        return Identity(
            id=self.obj.scim_id,
            location=self.location,
            created=iso(self.obj.created_at),
            last_modified=iso(self.obj.updated_at),
            version=self.obj.version,
        )

    def _reference(self, row: GroupMember) -> GroupReference:
        group_id = row.group.directory_group.scim_id
        location = f"{directories.base_url(self.request.caller)}/Groups/{group_id}"
        return GroupReference(id=group_id, location=location, display=row.group.name)

    def delete(self) -> None:
        services.delete_user(caller=self.request.caller, scim_id=self.obj.scim_id)


class DirectoryUsersView(EndpointView, UsersView):  # type: ignore[misc]  # django-scim2 has no types
    """`/Users` and `/Users/<id>` (RFC 7644 §3.2)."""

    def get(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        return self._show(queries.find_user(request.caller.directory, uuid)) if uuid else self.get_many(request)

    def post(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.refuse_id(uuid)
        document = read_user(self.load_body(request.body), self.record.remarks)
        return self._show(services.create_user(caller=self.caller, document=document), status=201)

    def put(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.require_id(uuid)
        body, remarks = self.load_body(request.body), self.record.remarks
        return self._show(services.replace(caller=self.caller, scim_id=uuid, body=body, remarks=remarks))

    def patch(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.require_id(uuid)
        body, remarks = self.load_body(request.body), self.record.remarks
        return self._show(services.patch_user(caller=self.caller, scim_id=uuid, body=body, remarks=remarks))

    def delete(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.require_id(uuid)
        return self.deleted(uuid, services.delete_user(caller=self.caller, scim_id=uuid))

    def name_of(self, scim_id: str) -> str:
        return queries.name_of(self.caller.directory, scim_id)

    def get_many(self, request: ScimRequest) -> HttpResponse:
        """Answer one page; the query count doesn't grow with its rows."""
        search, directory = read_search(request.GET), request.caller.directory
        found = queries.search(directory, search.filter)
        if search.is_plain:
            return self.answer_page(found, self._documents)
        listing = list_ids(found, search, queries.places_of(directory), USERS, self.caller)
        return self.answer_listing(self._documents(queries.in_order(directory, listing.ids)), listing, search)

    def _documents(self, rows: list[DirectoryUser]) -> list[Document]:
        groups = queries.group_rows(self.request.caller.directory, rows)
        return [self._document(row, groups[row.membership_id]) for row in rows]

    def _document(self, user: DirectoryUser, groups: list[GroupMember]) -> Document:
        adapter = self.scim_adapter(user, request=self.request)
        adapter.groups = groups
        document: Document = adapter.to_dict()
        return document

    def _show(self, user: DirectoryUser, *, status: int = 200) -> HttpResponse:
        self.record.resource_id, self.record.subject = user.scim_id, user.user_name
        [document] = self._documents([user])
        return self.answer(document, status=status)


class UsersSearchView(SearchView, DirectoryUsersView):
    """`/Users/.search`."""
