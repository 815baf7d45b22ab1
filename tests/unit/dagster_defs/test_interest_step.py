"""What the step of interests shows in the UI."""

from dagster_defs.ml_assets.interests import describe_choice, show_interests
from tests.unit.interests.planted import DAY, QUICK, build, kept_of, planted_shop


def test_the_choice_is_told_in_words():
    shop = planted_shop()
    found = build(shop)
    selection = found.interest_selection
    popular, chosen = selection["perplexity"][0], selection.filter("is_chosen")["perplexity"].item()
    told = f"3 interests chosen: perplexity {chosen:.1f}, {popular:.1f} by popularity"
    assert describe_choice(found, DAY) == told
    held = build(shop, QUICK, kept=kept_of(found.model, day=DAY.replace(day=3)), day=DAY.replace(day=3))
    assert describe_choice(held, DAY) == "3 interests, as chosen on 2024-07-01"
    without = build(shop, interactions=shop.interactions.clear())
    assert describe_choice(without, DAY).startswith("no interests on 2024-07-01: 0 users bought")


def test_interests_are_shown_a_row_each():
    profiles = build(planted_shop()).interest_profiles
    shown = show_interests(profiles)
    assert shown["user_share"].is_sorted(descending=True)
    first = profiles.filter(interest_id=shown["interest_id"][0])["category_label"]
    assert shown["categories"][0] == ", ".join(first)
