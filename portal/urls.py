"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

from portal.site import health, passkeys, views

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_error

urlpatterns = [
    path("", views.home, name="home"),
    path("look-again/", views.look_again, name="look_again"),
    path("waiting/<uuid:public_id>/accept/", views.accept_waiting, name="accept_waiting"),
    path("orgs/<slug:org_slug>/", views.org_home, name="org_home"),
    path("orgs/<slug:org_slug>/settings/", views.settings_home, name="settings_home"),
    path("orgs/<slug:org_slug>/settings/authentication/", views.authentication, name="authentication"),
    path("orgs/<slug:org_slug>/settings/authentication/pulse/", views.provisioning_pulse, name="provisioning_pulse"),
    path(
        "orgs/<slug:org_slug>/settings/authentication/existing-members/",
        views.set_member_listing,
        name="set_member_listing",
    ),
    path(
        "orgs/<slug:org_slug>/settings/authentication/connections/<uuid:public_id>/",
        views.connection,
        name="connection",
    ),
    path("orgs/<slug:org_slug>/settings/guides/<slug:name>/", views.guide, name="guide"),
    path("", include("orgs.urls")),
    path("", include("sso.urls")),
    path("", include("scim.directories.urls")),
    path("", include("scim.rehearsal.urls")),
    path("", include("scim.activity.urls")),
    path("scim/v2/", include("scim.urls")),
    path("accounts/", include("portal.site.verification.urls")),
    path("accounts/2fa/webauthn/login/", passkeys.sign_in, name="mfa_login_webauthn"),
    path("accounts/", include("allauth.urls")),
    path("api/", include("portal.api.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
