from django.urls import path

from scim.directories import views

app_name = "directories"
urlpatterns = [
    path("orgs/<slug:org_slug>/settings/authentication/tokens/new/", views.generate_token, name="generate_token"),
    path(
        "orgs/<slug:org_slug>/settings/authentication/tokens/<uuid:public_id>/saved/",
        views.confirm_saved,
        name="confirm_saved",
    ),
    path(
        "orgs/<slug:org_slug>/settings/authentication/tokens/<uuid:public_id>/revoke/",
        views.revoke_token,
        name="revoke_token",
    ),
]
