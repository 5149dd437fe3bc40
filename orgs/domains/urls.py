from django.urls import path

from orgs.domains import views

app_name = "domains"
urlpatterns = [
    path("orgs/<slug:org_slug>/settings/domains/", views.domains, name="domains"),
    path("orgs/<slug:org_slug>/settings/domains/<uuid:public_id>/check/", views.check, name="check"),
    path("orgs/<slug:org_slug>/settings/domains/<uuid:public_id>/remove/", views.remove, name="remove"),
]
