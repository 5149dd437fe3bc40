import json

from django.http import HttpResponse
from django_scim.adapters import SCIMUser
from django_scim.views import UsersView

from scim.directories import queries as directories
from scim.endpoint.listing import list_ids
from scim.endpoint.types import ScimRequest
from scim.endpoint.views import EndpointView, Page, Resource, SearchView
from scim.protocol.paging import PageRequest
from scim.protocol.queryable import USERS
from scim.protocol.resolution import read_filter
from scim.protocol.schemas import Document
from scim.protocol.search import read_search
from scim.protocol.users import read_user
from scim.users import queries, services
from scim.users.models import DirectoryUser
from scim.users.types import UserRow


class DirectoryUserAdapter(SCIMUser):  # type: ignore[misc]  # django-scim2 has no types
    """A directory's user on the wire. django-scim2's own delete() would take another tenant's row: services do it here."""

    obj: DirectoryUser
    url_name = "scim:users"

    def to_dict(self) -> Document:
        row = queries.read_user(self.request.caller, self.obj.scim_id)
        document: Document = json.loads(row.text(directories.base_url(self.request.caller)))
        return document

    def delete(self) -> None:
        services.delete_user(caller=self.request.caller, scim_id=self.obj.scim_id)


class DirectoryUsersView(EndpointView, UsersView):  # type: ignore[misc]  # django-scim2 has no types
    """`/Users` and `/Users/<id>` (RFC 7644 §3.2)."""

    # groups come and go without a new version of the user
    unversioned = "groups"

    def get(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        return self._show(uuid) if uuid else self.get_many(request)

    def post(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.refuse_id(uuid)
        document = read_user(self.load_body(request.body), self.record.remarks)
        return self._show(services.create_user(caller=self.caller, document=document).scim_id, status=201)

    def put(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.require_id(uuid)
        body, remarks = self.load_body(request.body), self.record.remarks
        return self._show(services.replace(caller=self.caller, scim_id=uuid, body=body, remarks=remarks).scim_id)

    def patch(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.require_id(uuid)
        body, remarks = self.load_body(request.body), self.record.remarks
        return self._show(services.patch_user(caller=self.caller, scim_id=uuid, body=body, remarks=remarks).scim_id)

    def delete(self, request: ScimRequest, uuid: str = "") -> HttpResponse:
        self.require_id(uuid)
        return self.deleted(uuid, services.delete_user(caller=self.caller, scim_id=uuid))

    def name_of(self, scim_id: str) -> str:
        return queries.name_of(self.caller.directory, scim_id)

    def get_many(self, request: ScimRequest) -> HttpResponse:
        """Answer one page; the query count doesn't grow with its rows."""
        search = read_search(request.GET)
        if search.is_plain:
            return self.answer_page(self._find(search.filter or "", search.page), search.page)
        directory = self.caller.directory
        found = queries.search(directory, read_filter(search.filter or "", USERS))
        listing = list_ids(found, search, queries.places_of(directory), USERS, self.caller)
        rows = queries.in_order(directory, listing.ids)
        return self.answer_listing(self._page(rows, listing.total).resources, listing, search)

    def _find(self, filter_text: str, page: PageRequest) -> Page:
        """Return what a filter finds: by a prepared statement where it is one of those that look somebody up."""
        term = read_filter(filter_text, USERS)
        if term is None:
            rows = queries.read_page_of(self.caller, limit=page.count, offset=page.offset)
            total = page.total_by(len(rows))
            return self._page(rows, queries.total_of(self.caller) if total is None else total)
        known = queries.looked_up(self.caller, term)
        if known is not None:
            return self._page(known[page.offset : page.offset + page.count], len(known))
        found = queries.search(self.caller.directory, term)
        rows = queries.rows_found(found, limit=page.count, offset=page.offset)
        total = page.total_by(len(rows))
        return self._page(rows, found.count() if total is None else total)

    def _page(self, rows: list[UserRow], total: int) -> Page:
        base = self.base
        return Page([row.text(base) for row in rows], total)

    def _show(self, scim_id: str, *, status: int = 200) -> HttpResponse:
        row = queries.read_user(self.caller, scim_id)
        self.record.resource_id, self.record.subject = str(row.public_id), row.user_name
        resource = Resource(
            text=row.text(self.base),
            location=f"{self.base}/Users/{row.public_id}",
            version=f'W/"{row.version}"',
        )
        return self.answer_text(resource, status=status)


class UsersSearchView(SearchView, DirectoryUsersView):
    """`/Users/.search`."""
