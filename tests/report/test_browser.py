"""The page in a real browser: it renders without a complaint, and the slider counts right."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gbimb.metrics import ConfusionCounts, f1_score, mcc_score
from tests.report.tables import NAME, POSITIVE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

    from gbimb.report import Evaluation

BROWSER, DRIVER = (
    next(filter(None, map(shutil.which, names)), None)
    for names in (("chromium", "chromium-browser", "google-chrome"), ("chromedriver",))
)
pytestmark = pytest.mark.skipif(
    BROWSER is None or DRIVER is None,
    reason="chromium and chromedriver are not on the PATH (Debian: chromium, chromium-driver)",
)
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1200,900",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(two: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("page") / "report.html"
    two.save(path)
    return path.as_uri()


@pytest.fixture
def page(browser: Chrome, address: str) -> Chrome:
    browser.get(address)
    return browser


def texts(page: Chrome, attribute: str) -> dict[str, str]:
    script = """
        const found = {};
        document.querySelectorAll(`[data-${arguments[0]}]`).forEach((e) => {
          found[e.dataset[arguments[0]]] = (e.querySelector("b") || e).textContent;
        });
        return found;
    """
    return dict(page.execute_script(script, attribute))


def move(page: Chrome, at: int) -> None:
    """Move the slider to a threshold; its axis is even in log odds."""
    script = """
        const slider = document.getElementById("slider");
        const all = JSON.parse(document.getElementById("report-data").textContent).threshold;
        const at = Math.min(arguments[0], all.length - 1);
        const p = Math.min(Math.max(all[at], 1e-7), 1 - 1e-7);
        slider.value = Math.log(p / (1 - p));
        slider.dispatchEvent(new Event("input"));
    """
    page.execute_script(script, at)


def rising(two: Evaluation) -> tuple[np.ndarray, ConfusionCounts]:
    curve = {name: np.asarray(values)[::-1] for name, values in two.facts["curve"].items()}
    counts = two.facts["counts"]
    positives, negatives = counts["tp"] + counts["fn"], counts["fp"] + counts["tn"]
    tp, fp = curve["tp"], curve["fp"]
    return curve["threshold"], ConfusionCounts(tp, fp, positives - tp, negatives - fp)


def test_it_renders_without_a_complaint_and_without_the_network(page: Chrome) -> None:
    assert page.get_log("browser") == []
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert page.execute_script("return document.querySelectorAll('figure svg').length") == 6
    assert "finds" in page.find_element("id", "verdict").text


def test_the_slider_moves_counts_and_rates(page: Chrome, two: Evaluation) -> None:
    thresholds, counts = rising(two)
    for at in [0, len(thresholds) // 3, len(thresholds) // 2, len(thresholds) - 1]:
        move(page, at)
        here = ConfusionCounts(*(c[at] for c in counts.as_tuple()))
        shown = texts(page, "cell")
        for name in ("tp", "fp", "fn", "tn"):
            assert shown[name] == f"{getattr(here, name):,.0f}"
        rates = texts(page, "rate")
        assert rates["mcc"] == f"{mcc_score(here):.3f}"
        assert rates["f1"] == f"{f1_score(here):.3f}"
        assert rates["recall"] == f"{100 * here.tp / (here.tp + here.fn):.1f}\u00a0%"
        cost = (here.fp + 20 * here.fn - 5 * here.tp) / 600
        assert float(rates["cost"]) == pytest.approx(cost, rel=0.01, abs=1e-9)
        threshold = float(page.find_element("id", "threshold").text)
        assert threshold == pytest.approx(thresholds[at], rel=0.01)


def test_it_starts_at_the_chosen_threshold_and_comes_back(page: Chrome, two: Evaluation) -> None:
    chosen = {name: f"{value:,.0f}" for name, value in two.facts["counts"].items()}
    assert texts(page, "cell") == chosen
    move(page, 0)
    assert texts(page, "cell") != chosen
    page.find_element("css selector", "button[data-at]").click()
    assert texts(page, "cell") == chosen


def test_keys_move_the_slider(page: Chrome) -> None:
    from selenium.webdriver import Keys

    slider = page.find_element("id", "slider")
    before = int(slider.get_attribute("data-at"))
    slider.send_keys(Keys.ARROW_RIGHT)
    assert int(slider.get_attribute("data-at")) == before + 1


def test_the_slider_moves_on_the_axis_of_the_pictures(page: Chrome) -> None:
    script = """
        const slider = document.getElementById("slider");
        const mark = document.querySelector("svg[data-figure=threshold] .mark");
        return [(slider.value - slider.min) / (slider.max - slider.min), mark.getAttribute("x1")];
    """
    places = []
    for at in (20, 60, 100):
        move(page, at)
        places.append([float(number) for number in page.execute_script(script)])
    (a, x), (b, y), (c, z) = places
    assert (b - a) / (c - a) == pytest.approx((y - x) / (z - x), abs=0.02)
    key = page.find_element("css selector", "#figure-threshold .key")
    assert key.is_displayed()


def test_marks_move_in_the_pictures(page: Chrome) -> None:
    script = "return document.querySelector('svg[data-figure=threshold] .mark').getAttribute('x1')"
    move(page, 0)
    left = float(page.execute_script(script))
    move(page, 10_000)
    assert float(page.execute_script(script)) > left


def test_names_with_markup_run_nothing_and_are_shown(page: Chrome) -> None:
    assert page.execute_script("return window.hurt === undefined")
    assert page.execute_script("return document.querySelectorAll('script').length") == 2
    body = page.find_element("tag name", "body").text
    assert NAME in body
    assert POSITIVE in body


@pytest.mark.parametrize("width", [390, 1200])
def test_nothing_is_wider_than_the_screen(page: Chrome, width: int) -> None:
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    try:
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_no_cell_runs_into_the_next(page: Chrome) -> None:
    script = """
        return [...document.querySelectorAll("th.text")].filter(
          (cell) => cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.textContent);
    """
    assert page.execute_script(script) == []


def test_colours_follow_the_screen(page: Chrome) -> None:
    script = """
        const style = (selector) => getComputedStyle(document.querySelector(selector));
        return [style("body").backgroundColor, style("figure svg text").fill];
    """
    found = {}
    for scheme in ("light", "dark"):
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        found[scheme] = page.execute_script(script)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert found["light"][0] == "rgb(255, 255, 255)"
    assert found["dark"][0] == "rgb(20, 24, 29)"
    assert found["light"][1] != found["dark"][1]


def test_it_can_be_printed(page: Chrome) -> None:
    import base64

    printed = page.execute_cdp_cmd("Page.printToPDF", {})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")
