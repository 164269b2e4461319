"""Looks at the page of a server as people do: a picture is dropped on it or chosen, boxes come, the slider thins them.

Usage: serve_page.py CHROMIUM ADDRESS PICTURE FOLDER; screenshots go to the folder. Fails where the page or its console does.
"""
import base64
import os
import sys

from browser import Browser

chromium, address, picture, folder = sys.argv[1], sys.argv[2], os.path.abspath(sys.argv[3]), sys.argv[4]
failures = 0

# Of the canvas, how much differs from the picture: everywhere, and on the left edge of the most certain box.
CHANGED = """(async () => {
  const {width, height} = get("canvas");
  const pixels = (source) => {
    const pen = Object.assign(document.createElement("canvas"), {width, height}).getContext("2d", {willReadFrequently: true});
    pen.drawImage(source, 0, 0);
    return pen.getImageData(0, 0, width, height).data;
  };
  const plain = pixels(picture), shown = pixels(get("canvas"));
  const differs = (x, y) => [0, 1, 2].some((i) => plain[4 * (y * width + x) + i] !== shown[4 * (y * width + x) + i]);
  let everywhere = 0, edge = 0;
  for (let y = 0; y < height; ++y)
    for (let x = 0; x < width; ++x) everywhere += differs(x, y);
  const box = answer.detections[0].box, x = Math.min(width - 1, Math.floor(box.x1));
  const top = Math.ceil(box.y1), bottom = Math.floor(box.y2);
  for (let y = top; y < bottom; ++y) edge += differs(x, y);
  return {everywhere, edge: edge / (bottom - top)};
})()"""


def expect(holds, what):
    global failures
    if not holds:
        print("FAILED:", what)
        failures += 1


def set_least(browser, value):
    """@return how many objects the table shows then"""
    browser.evaluate(f"get('least').value = {value}; get('least').dispatchEvent(new Event('input'))")
    return browser.evaluate("get('rows').rows.length")


def drop(browser):
    place = browser.evaluate("(({x, y, width, height}) => [x + width / 2, y + height / 2])(get('drop').getBoundingClientRect())")
    data = {"items": [], "files": [picture], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.call("Input.dispatchDragEvent", type=kind, x=place[0], y=place[1], data=data)


def choose(browser):
    root = browser.call("DOM.getDocument")["root"]["nodeId"]
    node = browser.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    browser.call("DOM.setFileInputFiles", nodeId=node, files=[picture])


def check_page(browser, name, width, height, phone, give):
    browser.open(address, width, height, phone)
    give(browser)
    browser.wait_until("get('status').classList.contains('failed') || !get('canvas').hidden && get('rows').rows.length > 0")
    told = browser.evaluate("get('status').textContent")
    expect(" objects, " in told, f"{name}: the page says '{told}'")
    count = browser.evaluate("answer.detections.length")
    expect(set_least(browser, 0) == count, f"{name}: not a row for each of {count} objects")
    changed = browser.evaluate(CHANGED)
    expect(changed["edge"] > 0.9, f"{name}: the most certain box is not drawn: {changed}")
    certain = browser.evaluate("answer.detections.filter((one) => one.confidence >= 0.9).length")
    expect(set_least(browser, 0.9) == certain, f"{name}: the slider does not leave {certain} objects")
    if set_least(browser, 1) == 0:
        changed = browser.evaluate(CHANGED)
        expect(changed["everywhere"] == 0, f"{name}: boxes stay in the picture: {changed}")
    set_least(browser, 0)
    expect(browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name}: wider than the screen")
    canvas, table = (browser.evaluate(f"get('{part}').getBoundingClientRect().toJSON()") for part in ("canvas", "rows"))
    beside = table["left"] >= canvas["right"]
    expect(beside != phone, f"{name}: the table stands {'beside' if beside else 'below'} the picture")
    expect(canvas["width"] > width / 2, f"{name}: the picture is {canvas['width']} of {width} px wide")
    image = browser.call("Page.captureScreenshot", format="png")["data"]
    with open(os.path.join(folder, name + ".png"), "wb") as file:
        file.write(base64.b64decode(image))
    expect(not browser.errors, f"{name}: the console has {browser.errors}")
    print(f"checked: the page, {name}: {count} objects")


browser = Browser(chromium, os.path.join(folder, "profile"))
try:
    check_page(browser, "desktop", 1280, 800, False, drop)
    check_page(browser, "phone", 390, 844, True, choose)
except (RuntimeError, TimeoutError) as error:
    expect(False, f"{error}; console: {browser.errors}")
finally:
    browser.close()
sys.exit(failures > 0)
