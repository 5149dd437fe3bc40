"""Admin pages on which support reads and never writes. A page shows what its class names, and nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.options import BaseModelAdmin, ShowFacets
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import cached_property

from orgs.base.actor import Actor, ActorKind
from orgs.base.errors import DomainError
from orgs.base.ids import read_uuid

COUNTED_AT_MOST = 5_000
INLINE_ROWS = 100
# for the pages themselves, which name no HTTP
AdminRequest = HttpRequest
SAFE_METHODS = frozenset({"GET", "HEAD"})

# generic for the type checker only: Django's own classes can't be subscribed when they run
if TYPE_CHECKING:
    AnyPage = BaseModelAdmin[Any]
    TablePage = admin.ModelAdmin[Any]
    TableInline = admin.TabularInline[Any, Any]
    RowFormSet = BaseInlineFormSet[Any, Any, Any]
    RowPaginator = Paginator[Any]
else:
    AnyPage, TablePage, TableInline = BaseModelAdmin, admin.ModelAdmin, admin.TabularInline
    RowFormSet, RowPaginator = BaseInlineFormSet, Paginator


class BoundedPaginator(RowPaginator):
    """Counts no further than `COUNTED_AT_MOST`: a log of millions must not be read to show its first page."""

    limit = COUNTED_AT_MOST
    object_list: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[: self.limit].count()

    @property
    def is_cut(self) -> bool:
        """Return whether there may be rows that no page shows; a search finds them."""
        return self.count >= self.limit


class BoundedInlineFormSet(RowFormSet):
    """Reads no more than `INLINE_ROWS` rows of its parent."""

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset()[:INLINE_ROWS]


class Read(AnyPage):
    """Whoever passes the site's door may look; nobody may add, change or delete. No permission rows are needed."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return what the class names: one that names nothing shows nothing, where Django would show every column."""
        return self.fields or ()

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.get_fields(request, obj)


class ReadOnlyInline(Read, TableInline):
    """The few rows that explain the one above them."""

    formset = BoundedInlineFormSet
    extra = 0
    can_delete = False


class ReadOnlyAdmin(Read, TablePage):
    """One table as support sees it. `fields` and `list_display` are the whole of what can be read.

    `linked_by` names the lookups by which other pages link to this list, beside those that its filters offer.
    """

    linked_by: ClassVar[Sequence[str]] = ()
    # the only actions of the page, each confirmed and audited; without any it takes no POST
    actions: Sequence[Callable[..., Any] | str] | None = None
    list_per_page = 50
    list_max_show_all = 50
    list_select_related: ClassVar[bool | list[str] | tuple[str, ...]] = ("org",)
    ordering = ("-id",)
    paginator = BoundedPaginator
    # a sort by a column without an index, or a count for each filter, reads the whole table
    sortable_by = ()
    show_facets = ShowFacets.NEVER
    show_full_result_count = False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow what the page offers only: Django's rule lets `?digest__startswith=` read a digest bit by bit."""
        field = lookup.partition("__")[0]
        return lookup in self.linked_by or field in self._offered_filters() or field == self.date_hierarchy

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find a row by what names it exactly, too: by the column's own index, which a search in text would not use."""
        found, has_duplicates = super().get_search_results(request, queryset, search_term)
        term = search_term.strip()
        if term and (exact := self.exact_match(term)):
            found = found | queryset.filter(exact)
        return found, has_duplicates

    def exact_match(self, term: str) -> Q:
        """Return what the whole term names exactly; empty when that is nothing."""
        return Q(public_id=read_uuid(term)) if "public_id" in (self.fields or ()) else Q()

    def _offered_filters(self) -> set[str]:
        offered = set[str]()
        for item in self.list_filter:
            first = item[0] if isinstance(item, tuple) else item
            offered.add(str(getattr(first, "parameter_name", first)))
        return offered

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Refuse a POST that is no action of this page: there is no row to edit."""
        if request.method not in SAFE_METHODS and request.POST.get("action") not in (self.actions or ()):
            raise PermissionDenied
        return super().changelist_view(request, extra_context)


@dataclass(frozen=True, slots=True)
class ConfirmedAct:
    """An action on chosen rows: its name, the question that is asked before, and what is done to each row."""

    name: str
    question: str
    do: Callable[[Any, Actor], None]


def run_confirmed(
    page: ReadOnlyAdmin, request: HttpRequest, chosen: QuerySet[Any], act: ConfirmedAct
) -> TemplateResponse | None:
    """Ask once, showing the rows; then do it to each of them in the name of this member of the staff."""
    rows = list(chosen[: page.list_per_page])
    if "confirmed" not in request.POST:
        context = page.admin_site.each_context(request) | {"rows": rows, "act": act, "opts": page.opts}
        return TemplateResponse(request, "admin/confirm_act.html", context)
    for row in rows:
        label = str(row)
        try:
            act.do(row, staff_actor(request))
        except DomainError as problem:
            page.message_user(request, f"{label}: {problem.public}", messages.ERROR)
        else:
            page.message_user(request, f"{label}: done.", messages.SUCCESS)
    return None


def staff_actor(request: HttpRequest) -> Actor:
    """Return the member of the staff who is signed in, as audit logs name them."""
    user: Any = request.user
    ip = str(getattr(request, "client_ip", ""))
    return Actor(ActorKind.STAFF, reference=str(user.public_id), label=user.email, ip=ip)


class AdminFilter(admin.SimpleListFilter):
    """A filter whose choices are known beforehand: to gather them from the rows would read the whole table."""

    narrow: ClassVar[dict[str, tuple[str, dict[str, Any]]]]

    def lookups(self, request: HttpRequest, model_admin: TablePage) -> list[tuple[str, str]]:
        return [(code, label) for code, (label, _) in self.narrow.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        _, conditions = self.narrow.get(self.value() or "", ("", {}))
        return queryset.filter(**conditions)


def to_the_second(moment: datetime) -> str:
    """Return a time as logs are compared: to the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def choice(title: str, parameter: str, narrow: dict[str, tuple[str, dict[str, Any]]]) -> type[AdminFilter]:
    """Return a filter `?parameter=code`; `narrow` maps each code to its label and the conditions it stands for."""
    return type("Choice", (AdminFilter,), {"title": title, "parameter_name": parameter, "narrow": narrow})
