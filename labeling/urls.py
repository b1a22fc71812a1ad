from django.urls import URLPattern, URLResolver, include, path

from labeling.views import history, home, people, projects

app_name = "labeling"

# Everything of one project. Each line below stands under p/<slug>/.
of_project: list[URLPattern | URLResolver] = [
    # the project and its people
    path("", projects.show_project, name="project"),
    path("settings/", projects.change_settings, name="settings"),
    path("people/", people.show_people, name="people"),
    path("people/invite/", people.invite, name="invite"),
    path("people/<int:pk>/role/", people.change_role, name="change-role"),
    path("people/<int:pk>/remove/", people.remove, name="remove-person"),
    path("history/", history.show_history, name="history"),
    # taxonomy, documents, jobs
    # review
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("projects/new/", projects.create_project, name="new-project"),
    path("help/", home.show_help, name="help"),
    path("p/<slug:slug>/", include(of_project)),
]
