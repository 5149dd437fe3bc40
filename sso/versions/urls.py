from django.urls import path

from sso.versions import views

app_name = "versions"
BASE = "orgs/<slug:org_slug>/settings/authentication/connections/<uuid:public_id>/"
urlpatterns = [
    path(f"{BASE}reconfigure/", views.reconfigure, name="reconfigure"),
    path(f"{BASE}discard/", views.discard, name="discard"),
    path(f"{BASE}remove-certificate/", views.remove_certificate, name="remove_certificate"),
]
