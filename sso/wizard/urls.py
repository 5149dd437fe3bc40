from django.urls import path

from sso.wizard import views

app_name = "wizard"
BASE = "orgs/<slug:org_slug>/settings/authentication/connections/"
SETUP = f"{BASE}<uuid:public_id>/setup/"
urlpatterns = [
    path(f"{BASE}new/", views.new_connection, name="new"),
    path(f"{SETUP}provider/", views.provider_step, name="provider"),
    path(f"{SETUP}values/", views.values_step, name="values"),
    path(f"{SETUP}attributes/", views.attributes_step, name="attributes"),
    path(f"{SETUP}metadata/", views.metadata_step, name="metadata"),
    path(f"{SETUP}metadata/<uuid:snapshot_id>/", views.metadata_preview, name="preview"),
    path(f"{SETUP}domain/", views.domain_step, name="domain"),
    path(f"{SETUP}review/", views.review_step, name="review"),
]
