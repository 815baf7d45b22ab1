"""What a language model is asked: the facts of one cohort, and nothing else of the shop."""

from collections.abc import Sequence

_TASK = """Facts about a group of customers of a shop, called "{name}":
{facts}

Describe this group to a marketer in two or three plain sentences. Say only what the facts say. Write every \
number exactly as it stands there, and no other number. Write no list, no heading and no advice."""


def write_prompt(cohort_name: str, facts: Sequence[str]) -> str:
    """The facts, a line each, and what to do with them."""
    lines = "\n".join(f"- {sentence}" for sentence in facts)
    return _TASK.format(name=cohort_name, facts=lines)
