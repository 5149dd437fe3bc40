from django.urls import path

from scim.rehearsal import views

app_name = "rehearsal"
PAGES = "orgs/<slug:org_slug>/settings/authentication/rehearsals/"
urlpatterns = [
    path(PAGES, views.rehearse, name="rehearse"),
    path(f"{PAGES}<uuid:public_id>/", views.show_rehearsal, name="rehearsal"),
]
