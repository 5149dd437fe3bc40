from django.urls import include, path

from scim.directories import views

app_name = "directories"
of_token = [
    path("", views.change_token, name="change_token"),
    path("saved/", views.confirm_saved, name="confirm_saved"),
    path("rotate/", views.rotate_token, name="rotate_token"),
    path("revoke/", views.revoke_token, name="revoke_token"),
]
TOKENS = "orgs/<slug:org_slug>/settings/authentication/tokens/"
urlpatterns = [
    path(f"{TOKENS}new/", views.generate_token, name="generate_token"),
    path(f"{TOKENS}<uuid:public_id>/", include(of_token)),
]
