"""The lessons: what a person wants to know before she trusts a machine with her words."""

from dataclasses import dataclass

from vault.errors import NotFound

__all__ = ["LESSONS", "Lesson", "lesson_of"]


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson: its name in addresses, its icon, its title, and what it says in a sentence."""

    name: str
    icon: str
    title: str
    sentence: str


LESSONS = (
    Lesson(
        "model",
        "brain",
        "What a model is",
        "A very large table of numbers that guesses the next word, and nothing more mysterious.",
    ),
    Lesson(
        "learning",
        "graduation-cap",
        "How a model learns",
        "It guesses, is shown what was really written, and is corrected a little, over and over.",
    ),
    Lesson(
        "here",
        "hard-drive",
        "What stays on this computer",
        "Everything, until you link a pod or hand something out yourself.",
    ),
    Lesson(
        "clouds",
        "cloud",
        "Why data in a cloud is not your own",
        "Who holds the only copy, and the key to it, decides what may be done with it.",
    ),
    Lesson(
        "home",
        "house",
        "Your home network",
        "The best place for private things is near you, as long as the door is closed.",
    ),
    Lesson(
        "redaction",
        "eye-off",
        "What redaction can do, and what it cannot",
        "It replaces what tells who somebody is; it cannot make a text say nothing.",
    ),
    Lesson(
        "forgetting",
        "eraser",
        "What forgetting means",
        "You can pause, take back or erase, and each of them reaches what was made from your words.",
    ),
)


def lesson_of(name: str) -> tuple[int, Lesson]:
    """Return a lesson and its number, from 1 on.

    Raises:
        NotFound: There is none of that name.
    """
    for number, lesson in enumerate(LESSONS, start=1):
        if lesson.name == name:
            return number, lesson
    raise NotFound("There is no such lesson; the list of lessons shows those there are.")
