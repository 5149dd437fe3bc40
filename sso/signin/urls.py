from django.urls import path

from sso.signin import views

app_name = "signin"
AUTHENTICATION = "orgs/<slug:org_slug>/settings/authentication/"
urlpatterns = [
    path("sso/", views.discover, name="discover"),
    path("sso/continue/", views.go_on, name="continue"),
    path("saml/<uuid:public_id>/login", views.login, name="login"),
    path("saml/<uuid:public_id>/acs", views.acs, name="acs"),
    path("saml/<uuid:public_id>/finish", views.finish, name="finish"),
    path("saml/<uuid:public_id>/answered", views.answered, name="answered"),
    path("saml/<uuid:public_id>/switch", views.switch, name="switch"),
    path(f"{AUTHENTICATION}connections/<uuid:public_id>/test/", views.start_test, name="start_test"),
    path(f"{AUTHENTICATION}tests/<uuid:public_id>/", views.test, name="test"),
]
