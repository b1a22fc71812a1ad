from django import forms

from labeling.models import Membership


class InvitationForm(forms.Form):
    email = forms.EmailField(
        label="E-mail",
        max_length=150,  # it becomes the user name
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(choices=Membership.Role, initial=Membership.Role.REVIEWER)


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Membership.Role)
