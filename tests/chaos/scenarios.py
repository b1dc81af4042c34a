"""The scenarios by name: what is done to which processes, in which order, and on which terms it has to end well."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.evidence import Terms
from tests.chaos.scene import Scene

Play = Callable[[Scene], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`number` is its row in the specification; `needs` the processes that are up when it begins."""

    number: int
    name: str
    play: Play
    needs: tuple[str, ...]
    terms: Terms = field(default_factory=Terms)
    quick: bool = False
    prepare: Play | None = None
    """Done before anything is started."""
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def story(self) -> str:
        """What it is about, in a sentence."""
        return (self.play.__doc__ or "").strip()


REGISTRY: dict[str, Scenario] = {}
USUAL = ("web", "scoring", "paging", "sentinels")
ENGINE = ("scoring", "paging", "sentinels")


def scenario(
    number: int,
    *needs: str,
    terms: Terms | None = None,
    quick: bool = False,
    prepare: Play | None = None,
    environ: dict[str, str] | None = None,
) -> Callable[[Play], Play]:
    """Register a function under its own name."""

    def register(play: Play) -> Play:
        REGISTRY[play.__name__] = Scenario(
            number=number,
            name=play.__name__,
            play=play,
            needs=needs,
            terms=terms or Terms(),
            quick=quick,
            prepare=prepare,
            environ=environ or {},
        )
        return play

    return register


def every() -> list[Scenario]:
    """All of them, in the order of the specification."""
    from tests.chaos import people, postgres, providers, races, releases, rota, standby, workers  # noqa: F401 (they register)

    return sorted(REGISTRY.values(), key=lambda one: (one.number, one.name))
