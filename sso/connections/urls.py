from django.urls import path

from sso.connections import views

app_name = "connections"
BASE = "orgs/<slug:org_slug>/settings/authentication/connections/"
urlpatterns = [
    path(f"{BASE}<uuid:public_id>/rules/", views.change_rules, name="rules"),
    path(f"{BASE}<uuid:public_id>/sp-certificate/", views.sp_certificate, name="sp_certificate"),
    path(f"{BASE}<uuid:public_id>/on/", views.turn_on, name="turn_on"),
    path(f"{BASE}<uuid:public_id>/off/", views.turn_off, name="turn_off"),
    path(f"{BASE}<uuid:public_id>/delete/", views.delete, name="delete"),
]
