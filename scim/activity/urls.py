from django.urls import path

from scim.activity import views

app_name = "requests"
urlpatterns = [
    path("orgs/<slug:org_slug>/settings/provisioning-log/", views.log, name="log"),
    path("orgs/<slug:org_slug>/settings/provisioning-log/export.csv", views.export, {"kind": "csv"}, name="export_csv"),
    path(
        "orgs/<slug:org_slug>/settings/provisioning-log/export.json", views.export, {"kind": "json"}, name="export_json"
    ),
    path("orgs/<slug:org_slug>/settings/provisioning-log/<uuid:public_id>/", views.request_page, name="request"),
]
