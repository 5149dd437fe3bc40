"""The SCIM endpoint of a directory, below /scim/v2/. django-scim2's names, our views."""

from collections.abc import Callable
from typing import Any

from django.urls import path, re_path

from scim.bulk.views import BulkView
from scim.endpoint.discovery import BaseUrlView, ResourceTypesView, SchemasView, ServiceProviderConfigView
from scim.endpoint.views import UnimplementedView, UnknownView
from scim.groups.views import DirectoryGroupsView, GroupsSearchView
from scim.search.views import RootSearchView
from scim.users.views import DirectoryUsersView, UsersSearchView

app_name = "scim"
users, groups = DirectoryUsersView.as_view(), DirectoryGroupsView.as_view()
urlpatterns = [
    path("<str:directory>/.search", RootSearchView.as_view(), name="search"),
    path("<str:directory>/Users/.search", UsersSearchView.as_view(), name="search-users"),
    path("<str:directory>/Groups/.search", GroupsSearchView.as_view(), name="search-groups"),
    path("<str:directory>/Bulk", BulkView.as_view(), name="bulk"),
    path("<str:directory>/Me", UnimplementedView.as_view(), name="me"),
    path("<str:directory>/Users", users, name="users"),
    path("<str:directory>/Users/<str:uuid>", users, name="user"),
    path("<str:directory>/Groups", groups, name="groups"),
    path("<str:directory>/Groups/<str:uuid>", groups, name="group"),
    path("<str:directory>/ServiceProviderConfig", ServiceProviderConfigView.as_view(), name="service-provider-config"),
    path("<str:directory>/ResourceTypes", ResourceTypesView.as_view(), name="resource-types"),
    path("<str:directory>/ResourceTypes/<str:name>", ResourceTypesView.as_view(), name="resource-type"),
    path("<str:directory>/Schemas", SchemasView.as_view(), name="schemas"),
    path("<str:directory>/Schemas/<str:name>", SchemasView.as_view(), name="schema"),
    path("<str:directory>", BaseUrlView.as_view(), name="base"),
    re_path(r"^(?:(?P<directory>[^/]*)(?:/[\s\S]*)?)$", UnknownView.as_view(), name="unknown"),
]
# the short way of SCIM requests finds these without the patterns
RESOURCES: dict[str, Callable[..., Any]] = {"Users": users, "Groups": groups}
