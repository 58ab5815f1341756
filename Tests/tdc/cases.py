"""What tc-testing does with flower filters from several processes, by the ids that it has there."""
from collections.abc import Callable
from dataclasses import dataclass

from writers import Batch


@dataclass(frozen=True)
class Case:
    id: str
    name: str
    first: list[Batch]
    together: list[Batch]
    left: range  # the handles that are there in the end
    marks: Callable[[int], set[int]]  # the source addresses that a handle may have in the end
    created: int = 0
    replaced: int = 0
    missed: int = 0
    shares: bool = False

    @property
    def deleted(self) -> set[int]:
        return {handle for batch in self.together if batch.verb == "delete"
                for handle in range(batch.first, batch.first + batch.count)}

    @property
    def races_to_delete(self) -> bool:
        return self.missed > 0


def cases(filters: int, writers: int) -> list[Case]:
    """As tc-testing has them for 1,000,000 and 10."""
    size, half = filters // writers, writers // 2
    everything, later = size * writers, half * size + 1

    def several(verb: str, count: int, first: int = 1, mark: int = 0) -> list[Batch]:
        return [Batch(verb, first + number * size, size, mark + number) for number in range(count)]

    def same(verb: str) -> list[Batch]:
        return [Batch(verb, 1, size, number) for number in range(writers)]

    def own(handle: int) -> set[int]:
        return {(handle - 1) // size}

    whole, part = [Batch("add", 1, everything)], [Batch("add", 1, size)]
    all_handles, same_handles, later_handles = range(1, everything + 1), range(1, size + 1), range(later, 2 * half * size + 1)
    return [
        Case("e41d", "all are added", [], several("add", writers), all_handles, own, created=everything),
        Case("6f52", "all are deleted", whole, several("delete", writers), range(0), own),
        Case("c9da", "all are replaced", whole, several("replace", writers), all_handles, own, replaced=everything),
        Case("14be", "the same are replaced by all", part, same("replace"), same_handles,
             lambda _: set(range(writers)), replaced=everything),
        Case("0c44", "the same are deleted by all", part, same("delete"), range(0), own, missed=everything - size),
        Case("ab62", "some are added, others deleted", several("add", half),
             several("add", half, later, half) + several("delete", half), later_handles, own, created=half * size),
        Case("6e8f", "some are replaced, others deleted", several("add", 2 * half),
             several("replace", half, later, half) + several("delete", half), later_handles, own, replaced=half * size),
        Case("d052", "one action for all", [], [Batch("add", 1, everything, shares=True)], all_handles, lambda _: {0},
             created=everything, shares=True),
    ]
