"""Write the report that the README shows, and take its picture in a headless browser.

Run ``python benchmarks/readme_report.py`` in an environment with ``gbimb[report]`` and selenium,
with Chromium and ChromeDriver on the PATH.
"""

from __future__ import annotations

import base64
import shutil
import tempfile
from pathlib import Path

from selenium import webdriver
from sklearn.model_selection import train_test_split

import gbimb
from gbimb import report

OUT = Path(__file__).parent / "figures" / "report.png"
WIDTH, HEIGHT = 1000, 730
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--hide-scrollbars",
)


def write_page(path: Path) -> None:
    """Fit on one half of the satellite table, judge on the other, with costs."""
    table = gbimb.datasets.load("satimage_4")
    frame = table.X.assign(soil=table.y.map({0: "other", 1: "damp grey"}))
    train, test = train_test_split(frame, test_size=0.5, stratify=frame["soil"], random_state=0)
    clf = gbimb.ImbalancedLGBMClassifier(random_state=0)
    clf.fit(train.drop(columns="soil"), train["soil"].to_numpy(object))
    found = report.evaluate(clf, test, "soil", costs={"fp": 1, "fn": 5})
    found.save(path)


def take_picture(address: str) -> None:
    """Save the upper part of the page as PNG."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in FLAGS:
        options.add_argument(flag)
    driver = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(shutil.which("chromedriver"))
    )
    try:
        screen = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        driver.get(address)
        shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    finally:
        driver.quit()
    OUT.write_bytes(base64.b64decode(shot["data"]))


def main() -> None:
    """Write the page to a folder that goes away, and keep its picture."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        write_page(path)
        take_picture(path.as_uri())


if __name__ == "__main__":
    main()
