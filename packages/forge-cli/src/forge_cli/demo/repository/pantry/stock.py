"""The stock: items and how much of each there is."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Item:
    """Something to eat or drink."""

    name: str
    amount: int


@dataclass
class Stock:
    """All items in the pantry."""

    items: list[Item] = field(default_factory=list)

    def add(self, item: Item) -> None:
        """Put an item on the shelf."""
        self.items.append(item)
