from django.urls import path

from orgs.audit import views

app_name = "audit"
urlpatterns = [
    path("orgs/<slug:org_slug>/settings/audit/", views.log, name="log"),
    path("orgs/<slug:org_slug>/settings/audit/export.csv", views.export, {"kind": "csv"}, name="export_csv"),
    path("orgs/<slug:org_slug>/settings/audit/export.json", views.export, {"kind": "json"}, name="export_json"),
]
