from django.urls import path

from sso.attempts import views

app_name = "attempts"
urlpatterns = [
    path("orgs/<slug:org_slug>/settings/sign-in-log/", views.attempts, name="attempts"),
    path("orgs/<slug:org_slug>/settings/sign-in-log/export.csv", views.export, {"kind": "csv"}, name="export_csv"),
    path("orgs/<slug:org_slug>/settings/sign-in-log/export.json", views.export, {"kind": "json"}, name="export_json"),
    path("orgs/<slug:org_slug>/settings/sign-in-log/<uuid:public_id>/", views.attempt, name="attempt"),
    path("orgs/<slug:org_slug>/settings/sign-in-log/<uuid:public_id>/forget/", views.forget, name="forget"),
]
