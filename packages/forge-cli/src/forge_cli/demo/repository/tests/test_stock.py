import unittest

from pantry.stock import Item, Stock


class StockTest(unittest.TestCase):
    def test_added_item_is_in_stock(self):
        stock = Stock()

        stock.add(Item("rice", 2))

        self.assertEqual(stock.items, [Item("rice", 2)])


if __name__ == "__main__":
    unittest.main()
