"""The page's own modules in a browser, without a server: what they answer comes back as JSON."""

from tests.e2e.conftest import ROOT

ADDRESS = "http://modules.test"


def open_modules(browser):
    """Return a page that can import /static/js/…, and knows nothing else."""
    page = browser.new_page()

    def answer(route):
        path = route.request.url.removeprefix(ADDRESS)
        if path.startswith("/static/"):
            route.fulfill(path=ROOT / path[1:])
        else:
            route.fulfill(body="<!doctype html><title>Modules</title>", content_type="text/html")

    page.route("**/*", answer)
    page.goto(f"{ADDRESS}/")
    return page
