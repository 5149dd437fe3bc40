from django.urls import path

from orgs.groups import views

app_name = "groups"
urlpatterns = [
    path("orgs/<slug:org_slug>/settings/groups/", views.groups, name="groups"),
    path("orgs/<slug:org_slug>/settings/groups/<uuid:public_id>/", views.group, name="group"),
]
