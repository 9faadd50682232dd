"""Tables of the command line: what people copy from them is whole."""

from decimal import Decimal

from api.cli.output import console, print_table

ID = "960d6a20-7e96-5ae0-93bc-c14dcb80a09e"


def test_an_id_is_never_broken_over_lines(capsys, monkeypatch):
    monkeypatch.setattr(console, "width", 60)
    print_table("", ["id", "product"], [[ID, "SOFT DRINKS 12/18&15PK CAN CAR, 12 OZ"]], whole=("id",))
    assert ID in capsys.readouterr().out


def test_text_in_brackets_stands_as_it_is(capsys):
    print_table("", ["where"], [["['East'] [bold]x"]])
    assert "['East'] [bold]x" in capsys.readouterr().out


def test_a_caption_is_wider_than_its_table(capsys, monkeypatch):
    monkeypatch.setattr(console, "width", 100)
    print_table("", ["n"], [[1]], caption="release 20261121T152113-c42cdae1, read from rollup_sales_category")
    assert "c42cdae1, read from rollup_sales_category" in capsys.readouterr().out


def test_a_column_has_as_many_decimals_all_the_way_down(capsys):
    print_table("", ["money", "rate"], [[Decimal("1204.5"), 0.25], [Decimal("0.0000"), None], [None, 9.5]])
    rows = [line.split("│")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    cells = [[cell.strip() for cell in row] for row in rows]
    assert cells == [["1,204.50", "0.2500"], ["0.00", ""], ["", "9.5000"]]
