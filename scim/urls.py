"""The SCIM endpoint of a directory, below /scim/v2/. django-scim2's names, our views."""

from django.urls import path, re_path

from scim.endpoint.discovery import ResourceTypesView, SchemasView, ServiceProviderConfigView
from scim.endpoint.views import UnimplementedView, UnknownView
from scim.groups.views import DirectoryGroupsView
from scim.users.views import DirectoryUsersView

app_name = "scim"
urlpatterns = [
    path("<str:directory>/.search", UnimplementedView.as_view(), name="search"),
    path("<str:directory>/Users/.search", UnimplementedView.as_view(), name="search-users"),
    path("<str:directory>/Groups/.search", UnimplementedView.as_view(), name="search-groups"),
    path("<str:directory>/Bulk", UnimplementedView.as_view(), name="bulk"),
    path("<str:directory>/Me", UnimplementedView.as_view(), name="me"),
    path("<str:directory>/Users", DirectoryUsersView.as_view(), name="users"),
    path("<str:directory>/Users/<str:uuid>", DirectoryUsersView.as_view(), name="user"),
    path("<str:directory>/Groups", DirectoryGroupsView.as_view(), name="groups"),
    path("<str:directory>/Groups/<str:uuid>", DirectoryGroupsView.as_view(), name="group"),
    path("<str:directory>/ServiceProviderConfig", ServiceProviderConfigView.as_view(), name="service-provider-config"),
    path("<str:directory>/ResourceTypes", ResourceTypesView.as_view(), name="resource-types"),
    path("<str:directory>/ResourceTypes/<str:name>", ResourceTypesView.as_view(), name="resource-type"),
    path("<str:directory>/Schemas", SchemasView.as_view(), name="schemas"),
    path("<str:directory>/Schemas/<str:name>", SchemasView.as_view(), name="schema"),
    path("<str:directory>", UnknownView.as_view(), name="base"),
    re_path(r"^(?:(?P<directory>[^/]*)(?:/[\s\S]*)?)$", UnknownView.as_view(), name="unknown"),
]
