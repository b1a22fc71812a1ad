"""What a browser shows to somebody who is not signed in, or sees too little."""

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_a_stranger_is_asked_to_sign_in_and_then_led_to_the_page(tiebreak, browser):
    page = browser.new_page()
    page.goto(f"{tiebreak.address}/p/northlight/")
    page.get_by_label("Username").fill("reviewer")
    page.get_by_label("Password").fill(tiebreak.passwords["reviewer"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{tiebreak.address}/p/northlight/")
    assert page.get_by_role("heading", level=1).inner_text() == "Northlight support mail"
    page.close()


def test_a_reviewer_finds_no_models_page(tiebreak, sit_down):
    reviewer = sit_down("reviewer")
    response = reviewer.page.goto(f"{tiebreak.address}/p/northlight/models/")
    assert response.status == 404
