from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from labeling.api import annotations, projects, tasks, tokens

app_name = "api"
urlpatterns = [
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("token", tokens.take, name="token"),
    path("tokens", tokens.end_all, name="tokens"),
    path("projects/<slug:slug>/labels", projects.list_labels, name="labels"),
    path("projects/<slug:slug>/tasks/next", tasks.lease_next, name="next"),
    path("tasks/<int:pk>/annotations", annotations.annotate, name="annotate"),
    path("tasks/<int:pk>/skip", tasks.skip, name="skip"),
    path("tasks/<int:pk>/heartbeat", tasks.renew, name="heartbeat"),
    path("annotations/<int:pk>", annotations.undo, name="annotation"),
]
