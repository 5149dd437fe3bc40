from django.urls import path

from sso.metadata import views

app_name = "metadata"
urlpatterns = [
    path("saml/<uuid:public_id>/metadata", views.sp_metadata, name="sp_metadata"),
]
