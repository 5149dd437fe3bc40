"""The site's addresses and two more: behind one something breaks, behind the other there were too many attempts."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from portal.urls import handler403, handler404, handler500
from portal.urls import urlpatterns as site

__all__ = ["handler403", "handler404", "handler500"]


def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken on purpose")


def limit(request: HttpRequest) -> HttpResponse:
    return render(request, "429.html", status=429)


urlpatterns = [*site, path("fails/", fail), path("limited/", limit)]
