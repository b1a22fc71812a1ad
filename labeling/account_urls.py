from django.urls import path

from labeling.views import accounts, keys

app_name = "accounts"
urlpatterns = [
    path("sign-in/", accounts.SignIn.as_view(), name="login"),
    path("sign-out/", accounts.SignOut.as_view(), name="logout"),
    path("keys/", keys.change_keys, name="keys"),
    path("password/", accounts.ChangePassword.as_view(), name="password_change"),
    path("password/reset/", accounts.ResetPassword.as_view(), name="password_reset"),
    path(
        "password/set/<uidb64>/<token>/",
        accounts.SetPassword.as_view(),
        name="password_reset_confirm",
    ),
]
