"""Looks at the page of runs as people do: while one trains ("live"), and at several afterwards ("finished", "token").

Usage: dashboard_page.py CHROMIUM WHAT ADDRESS FOLDER; screenshots go to the folder. Fails where the page or its console does.
"""
import base64
import os
import sys

from browser import Browser

chromium, what, address, folder = sys.argv[1:5]
failures = 0

SHOWN = "charts.filter((one) => one.plot && !one.card.hidden)"
STEPS = "(runs.get(looked)?.steps.x.length ?? 0)"


def expect(holds, message):
    global failures
    if not holds:
        print("FAILED:", message)
        failures += 1


def picture(browser, name):
    """Of the whole page."""
    image = browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
    with open(os.path.join(folder, f"{what}_{name}.png"), "wb") as file:
        file.write(base64.b64decode(image))


def check_looks(browser, name, width, height, phone, dark=False):
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.call("Emulation.setEmulatedMedia", features=[scheme])
    browser.open(address, width, height, phone)
    browser.wait_until(f"{SHOWN}.length >= 5 && get('rows').rows.length > 0")
    browser.evaluate("document.querySelectorAll('img').forEach((image) => image.loading = 'eager')")
    browser.wait_until("[...document.images].length > 0 && [...document.images].every((image) => image.complete)")
    expect(browser.evaluate("[...document.images].every((image) => image.naturalWidth > 0 && image.alt)"), f"{name}: a picture is missing")
    expect(browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name}: wider than the screen")
    expect(browser.evaluate("get('runs').scrollWidth <= get('runs').clientWidth"), f"{name}: the table is cut off")
    expect(browser.evaluate(f"{SHOWN}.every(({{card}}) => card.querySelector('canvas').getAttribute('aria-label').includes('now'))"),
           f"{name}: a chart without words")
    expect("first step done" in browser.evaluate("get('log').textContent"), f"{name}: no log")
    expect("epochs:" in browser.evaluate("get('settings').textContent"), f"{name}: no settings")
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    expect((background != "rgb(255, 255, 255)") == dark, f"{name}: the background is {background}")
    picture(browser, name)
    expect(not browser.errors, f"{name}: the console has {browser.errors}")
    print(f"checked: the page, {what}, {name}")


def check_growth(browser):
    browser.open(address, 1280, 900, False)
    browser.wait_until(f"{STEPS} > 0 && {SHOWN}.some((one) => one.shows.title === 'Training loss')")
    steps = browser.evaluate(STEPS)
    epochs = browser.evaluate("runs.get(looked).epochs.x.length")
    drawn = f"{SHOWN}.find((one) => one.shows.title === 'Training loss').plot.data[0].length"
    points = browser.evaluate(drawn)
    browser.wait_until(f"{STEPS} > {steps} && runs.get(looked).epochs.x.length > {epochs} && {drawn} > {points}")
    print(f"checked: curves grow: {points} points, then {browser.evaluate(drawn)}")
    expect(browser.evaluate("listed.length") == 1, "more than the run that trains")
    expect(browser.evaluate(f"{SHOWN}.some((one) => one.shows.title.startsWith('Time of a step'))"), "no time of a step")


def check_comparison(browser):
    browser.evaluate("[...get('rows').rows].forEach((row) => { const box = row.querySelector('input'); if (!box.checked) box.click(); })")
    names = browser.evaluate("listed.map((run) => run.name)")
    expect(sorted(names) == ["first", "live"], f"the runs are {names}")
    labels = "(charts[0].plot?.series ?? []).map((one) => one.label)"
    browser.wait_until(f"{labels}.length === 5")
    expect(sorted(browser.evaluate(labels)[1:]) == [f"{run} {line}" for run in ("first", "live") for line in ("mAP@.5", "mAP@.5:.95")],
           f"the lines are {browser.evaluate(labels)}")
    picture(browser, "compared")
    browser.evaluate("[...get('rows').rows].find((row) => row.dataset.name === 'first').querySelector('button').click()")
    browser.wait_until("document.querySelector('.looked-name').textContent === 'first' && [...document.images].some((one) => one.alt.startsWith('Worst'))")
    expect(browser.evaluate("listed.find((run) => run.name === 'first').finished"), "the first run is not finished")


browser = Browser(chromium, os.path.join(folder, "profile"), seconds=90)
try:
    if what == "live":
        check_growth(browser)
    if what == "token":
        browser.open(address, 1280, 900, False)
        browser.wait_until(f"{SHOWN}.length >= 5")
        expect("token" not in browser.evaluate("location.href"), "the token stays in the address")
        expect(not browser.errors, f"the console has {browser.errors}")
    else:
        check_looks(browser, "desktop", 1280, 900, False)
        check_looks(browser, "phone", 390, 844, True)
        check_looks(browser, "dark", 1280, 900, False, dark=True)
    if what == "finished":
        check_comparison(browser)
except (RuntimeError, TimeoutError) as error:
    expect(False, f"{error}; console: {browser.errors}")
finally:
    browser.close()
sys.exit(failures > 0)
