from django.urls import include, path

from labeling.views import home

urlpatterns = [
    path("", home.home, name="home"),
    path("healthz", home.healthz, name="healthz"),
    path("accounts/", include("labeling.account_urls")),
    path("api/v1/", include("labeling.api.urls")),
    path("p/<slug:slug>/models/", include("training.urls")),
    path("", include("labeling.urls")),
]
