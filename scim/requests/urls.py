from django.urls import path

from scim.requests import views

app_name = "requests"
urlpatterns = [
    path("orgs/<slug:org_slug>/settings/provisioning-log/", views.log, name="log"),
    path("orgs/<slug:org_slug>/settings/provisioning-log/<uuid:public_id>/", views.request_page, name="request"),
]
