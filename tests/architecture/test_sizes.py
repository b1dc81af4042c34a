"""Small modules and small functions: large ones grow because nothing stops them."""

from statistics import median

from survey.settings import ROOT
from tests.architecture import source
from tests.architecture.source import Function

MODULE_CAP = 300
FUNCTION_CAP = 40
MEDIAN_CAP = 8
FLOOR_CAPS = {"survey/services/": 25, "survey/web/": 25, "workers/": 25}

LARGE_MODULES: dict[str, str] = {}
"""Module → why it may be longer."""

LARGE_FUNCTIONS: dict[str, str] = {
    "survey/services/responses.py:_visit": "one constructor, a line for each of its fields",
    "survey/services/surveys.py:open_response": "one constructor, a line for each of its fields",
}
"""path:function → why it may be longer."""


def every_function() -> list[Function]:
    return [
        function
        for path in source.modules()
        for function in source.functions(path.read_text(encoding="utf-8"), source.relative(path))
    ]


def too_long(function: Function) -> bool:
    cap = next((cap for floor, cap in FLOOR_CAPS.items() if function.path.startswith(floor)), FUNCTION_CAP)
    return function.lines > cap and f"{function.path}:{function.name}" not in LARGE_FUNCTIONS


def test_no_module_is_longer_than_300_lines():
    sizes = {source.relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in source.modules()}

    large = {path: lines for path, lines in sizes.items() if lines > MODULE_CAP and path not in LARGE_MODULES}

    assert not large, f"split these, or say in LARGE_MODULES why not: {large}"


def test_no_function_is_longer_than_its_floor_allows():
    large = [f"{one.path}:{one.name} has {one.lines} lines" for one in every_function() if too_long(one)]

    assert not large, "split these, or say in LARGE_FUNCTIONS why not:\n" + "\n".join(large)


def test_the_median_function_is_at_most_eight_lines():
    found = every_function()

    middle = median(function.lines for function in found)

    longest = sorted(found, key=lambda function: -function.lines)[:10]
    assert middle <= MEDIAN_CAP, f"median {middle} lines over {len(found)} functions; the longest: {longest}"


def test_allowances_name_what_exists_and_still_needs_them():
    sizes = {f"{one.path}:{one.name}": one.lines for one in every_function()}

    stale = [name for name in LARGE_FUNCTIONS if sizes.get(name, 0) <= min(FLOOR_CAPS.values())]
    stale += [name for name in LARGE_MODULES if not (ROOT / name).is_file()]

    assert not stale, f"remove these allowances: {stale}"


def test_a_function_over_the_cap_is_found():
    text = "def long():\n" + '    """Words do not count."""\n' * 1 + "    pass\n" * FUNCTION_CAP

    (found,) = source.functions(text, "survey/domain/sample.py")

    assert found.lines == FUNCTION_CAP + 1
    assert too_long(found)
