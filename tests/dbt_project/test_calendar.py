"""The trading calendar of the demo, counted from recorded sales."""


def test_only_the_first_and_the_last_week_are_cut(warehouse):
    """The dbt test of this only warns, for retailers with holidays; on the demo it must hold."""
    cut = warehouse.execute(
        "select distinct fiscal_week from dim_date where not is_full_fiscal_week order by 1"
    ).fetchall()
    assert cut == [(1,), (53,)]
    days = warehouse.execute(
        "select week, count(distinct date_day) from fct_sales_lines where week between 2 and 52 group by 1"
    ).fetchall()
    assert len(days) == 51 and {n for _, n in days} == {7}
