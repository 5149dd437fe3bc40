from django.urls import URLPattern, path

from sso.signin import views
from sso.signin.saml import SAML
from sso.signin.types import SignInProtocol

app_name = "signin"
AUTHENTICATION = "orgs/<slug:org_slug>/settings/authentication/"


def stops(prefix: str, protocol: SignInProtocol) -> list[URLPattern]:
    """Return the stops of a sign-in by this protocol; whose it is, the connection in the URL says."""
    at, given = f"{prefix}/<uuid:public_id>", {"protocol": protocol}
    return [
        path(f"{at}/login", views.login, given, name="login"),
        path(f"{at}/acs", views.acs, given, name="acs"),
        path(f"{at}/finish", views.finish, given, name="finish"),
        path(f"{at}/answered", views.answered, given, name="answered"),
        path(f"{at}/switch", views.switch, given, name="switch"),
    ]


urlpatterns = [
    path("sso/", views.discover, name="discover"),
    path("sso/continue/", views.go_on, name="continue"),
    *stops("saml", SAML),
    path(f"{AUTHENTICATION}connections/<uuid:public_id>/test/", views.start_test, name="start_test"),
    path(f"{AUTHENTICATION}tests/<uuid:public_id>/", views.test, name="test"),
]
