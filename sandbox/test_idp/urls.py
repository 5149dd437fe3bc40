from django.urls import path

from sandbox.test_idp import console, dns, sso

urlpatterns = [
    path("", console.index, name="index"),
    path("apps/new", console.create, name="create"),
    path("apps/<slug:app_id>", console.edit, name="edit"),
    path("apps/<slug:app_id>/delete", console.delete, name="delete"),
    path("apps/<slug:app_id>/certificate", console.certificate, name="certificate"),
    path("apps/<slug:app_id>/metadata", sso.metadata, name="metadata"),
    path("apps/<slug:app_id>/sso", sso.sso, name="sso"),
    path("apps/<slug:app_id>/open", sso.open_app, name="open"),
    path("apps/<slug:app_id>/sign-in", sso.sign_in, name="sign-in"),
    path("dns", dns.show, name="dns"),
    path("dns/withdraw", dns.withdraw, name="dns-withdraw"),
]
