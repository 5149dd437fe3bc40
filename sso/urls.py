"""Every page of this app, collected for the site."""

from django.urls import include, path

urlpatterns = [
    path("", include("sso.wizard.urls")),
    path("", include("sso.connections.urls")),
    path("", include("sso.versions.urls")),
    path("", include("sso.metadata.urls")),
    path("", include("sso.attempts.urls")),
    path("", include("sso.signin.urls")),
]
