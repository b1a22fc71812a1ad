from django.urls import path

from training import views

app_name = "training"

# All stand under p/<slug>/models/.
urlpatterns = [
    path("", views.show_models, name="models"),
    path("train/", views.start_training, name="train"),
    path("gates/", views.change_gates, name="gates"),
    path("runs/<int:pk>/", views.show_run, name="run"),
    path("runs/<int:pk>/cancel/", views.cancel_run, name="cancel"),
    path("<int:number>/card.md", views.send_card, name="card"),
    path("<int:number>/promote/", views.promote, name="promote"),
    path("roll-back/", views.roll_back, name="roll-back"),
]
