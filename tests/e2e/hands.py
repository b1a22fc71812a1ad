"""What somebody does at the desk with a keyboard, and what they said of each task."""

from tests.e2e.test_loop import settled, task_after


class Hands:
    """Hands on a keyboard before a card; *said* holds each decision as it should be stored."""

    def __init__(self, person):
        self.person, self.page = person, person.page
        self.said = {}  # task -> (label or None, kind)

    def sit_down(self, path):
        """Open the desk and take the first task."""
        self.person.go(path)
        self.page.wait_for_load_state()
        self.page.keyboard.press("Enter")
        task_after(self.person, "")

    @property
    def task(self):
        return int(self.page.locator("#task").get_attribute("data-task"))

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def wait(self, selector):
        return self.page.wait_for_selector(selector)

    def wait_for_task(self, task):
        """Wait until the card of *task* is there again and hears keys."""
        self.wait(f"#task[data-task='{task}']")
        settled(self.person)

    def leave(self, task):
        """Wait until another card than that of *task* hears keys."""
        self.wait(f"#task[data-task]:not([data-task='{task}'])")
        settled(self.person)

    def candidate(self, key):
        return self.page.locator(f"#task [data-keys~='{key}'] .choice__name").inner_text()

    def tab_to(self, selector):
        """Go with the Tab key to what is found by *selector*."""
        for _ in range(60):
            if self.page.locator(f"{selector}:focus").count():
                return
            self.press("Tab")
        raise AssertionError(f"the Tab key does not come to {selector}")

    # --- Decisions

    def decide(self, *keys, label=None):
        """Press *keys* to decide; the first names a candidate unless *label* is what is meant."""
        task, first = self.task, self.candidate("1")
        self.note(task, label or self.candidate(keys[0]), first)
        self.press(*keys)
        self.leave(task)
        return task

    def say_nothing_fits(self):
        task = self.task
        self.said[task] = (None, "none_fits")
        self.press("n")
        self.leave(task)
        return task

    def find(self, letters, steps=0):
        """Type *letters*, go down *steps*, and decide for what stands there."""
        task, first = self.task, self.candidate("1")
        self.page.keyboard.type(letters)
        self.wait("#find-list [role=option]")
        self.press(*["ArrowDown"] * steps)
        label = self.page.locator("#find-list [aria-selected=true] .find__name").inner_text()
        self.note(task, label, first)
        self.press("Enter")
        self.leave(task)
        return label

    def note(self, task, label, first):
        self.said[task] = (label, "accepted" if label == first else "corrected")

    def undo(self, task):
        """Take back the last act, which was on *task*."""
        self.press("u")
        self.wait_for_task(task)
        self.said.pop(task, None)

    # --- What puts a task aside

    def skip(self, key="s"):
        task = self.task
        self.press(key)
        self.leave(task)
        return task

    def snooze(self):
        """Until tomorrow, the second choice."""
        task = self.task
        self.press("h")
        self.wait("button[name=until]:focus")
        self.press("Tab", "Enter")
        self.leave(task)
        return task

    def escalate(self, words):
        task = self.task
        self.write("escalate", "e", words)
        self.leave(task)
        return task

    def comment(self, words):
        self.write("comment", "c", words)
        self.page.get_by_text("Comment kept.").wait_for()
        settled(self.person)
        return self.task

    def write(self, act, key, words):
        self.press(key)
        self.wait(f"#note-{act}:focus")
        self.page.keyboard.type(words)
        self.press("Control+Enter")

    def command(self, words):
        """Open the list of commands and choose the first that has *words*."""
        self.press("Control+k")
        self.wait("#palette-field:focus")
        self.page.keyboard.type(words)
        self.press("Enter")
