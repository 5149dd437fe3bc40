"""Every page of this app, collected for the site."""

from django.urls import include, path

urlpatterns = [
    path("", include("orgs.people.urls")),
    path("", include("orgs.invitations.urls")),
    path("", include("orgs.groups.urls")),
    path("", include("orgs.domains.urls")),
    path("", include("orgs.audit.urls")),
]
