from matplotlib.figure import Figure

from Motivation.drawing import draw_detection, draw_erratum, draw_shares, draw_times, save
from Motivation.figure_data import Detection, Point, Share, Times


def words(axes):
    return [text.get_text() for text in axes.texts if text.get_visible()]


def legend(figure):
    return [text.get_text() for found in figure.legends for text in found.get_texts()]


def test_a_pie_has_a_wedge_for_each_kind_of_run_with_its_count_and_share():
    figure = Figure()
    draw_shares([Share('a', 17, 10, 23), Share('b', 0, 12, 0)], figure)
    assert words(figure.axes[0]) == ['17 (34 %)', '10 (20 %)', '23 (46 %)']
    assert words(figure.axes[1]) == ['12 (100 %)']
    assert legend(figure) == ['oscillates (flagged on the whole curve)', 'not flagged',
                              'not flagged, ends dead']


def test_where_nothing_can_be_drawn_the_panel_says_so():
    figure = Figure()
    draw_times([Times('none', 50, [], [], []), Times('late', 50, [], [45], []),
                Times('some', 50, [14], [45], [15])], figure)
    assert [words(axes) for axes in figure.axes] == [
        ['no run is flagged at any epoch'], ['no run is flagged at any epoch'],
        ['nothing falls in here'], [], [], []]


def test_runs_without_an_index_are_counted_in_the_figure_of_the_erratum():
    figure = Figure()
    draw_erratum([Point(0.1, 0.28, True, False), Point(None, None, False, False),
                  Point(None, None, False, True)], figure)
    assert {text.get_text() for text in figure.axes[0].get_legend().get_texts()} == {
        'flagged (1)', 'no pair of extrema, no index (2)'}


def test_lengths_of_which_no_run_is_found_are_named():
    bars = {'dynamic': [6.0], 'epoch_3': [7.0], 'epoch_5': [11.0]}
    figure = Figure()
    draw_detection(Detection([24], [12, 30], [1], [5.0], bars, bars), figure)
    assert figure.axes[0].get_xlabel() == 'no run is found of E = 12, 30'


def test_a_case_of_which_no_run_is_flagged_can_be_drawn(tmp_path):
    save(draw_shares, [Share('c', 0, 5, 0)], tmp_path, 'none')
    save(draw_times, [Times('c', 50, [], [], [])], tmp_path, 'empty')
    assert len(list(tmp_path.iterdir())) == 4
