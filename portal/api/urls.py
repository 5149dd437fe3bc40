from csp.decorators import csp_update
from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from portal.api.views import MeView

# the documentation page sets one inline style; every other page has none
docs = csp_update({"style-src": ["'unsafe-inline'"]})(SpectacularSwaggerSplitView.as_view(url_name="api_schema"))

urlpatterns = [
    path("v1/me", MeView.as_view(), name="api_me"),
    path("schema", SpectacularAPIView.as_view(), name="api_schema"),
    path("docs", docs, name="api_docs"),
]
