"""A headless Chromium, spoken to over its pipe in the DevTools protocol; needs nothing but Python."""
import itertools
import json
import os
import select
import subprocess
import time


class Browser:
    """One page. `errors` grows with whatever the page or the browser complains about."""

    def __init__(self, program, profile, seconds=60):
        self.end = time.monotonic() + seconds
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
        self.process = subprocess.Popen(  # which reads from 3 and writes to 4
            ["bash", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "bash", program, *flags, "about:blank"],
            pass_fds=(commands, answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(answers)
        self.numbers, self.received, self.events, self.errors, self.session = itertools.count(1), b"", [], [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "DOM"):
            self.call(f"{domain}.enable")

    def close(self):
        self.process.kill()
        self.process.wait()

    def call(self, method, **parameters):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def evaluate(self, script):
        """The value of a script in the page, after waiting for it where it is a promise."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']['exception'].get('description')}")
        return answer["result"].get("value")

    def wait_until(self, script):
        while not self.evaluate(script):
            if time.monotonic() > self.end:
                raise TimeoutError(f"waited in vain for {script}")
            time.sleep(0.05)

    def open(self, address, width, height, phone):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if phone else 1,
                  mobile=phone)
        self.events.clear()
        failure = self.call("Page.navigate", url=address).get("errorText")
        if failure:
            raise RuntimeError(f"{address}: {failure}")
        while "Page.loadEventFired" not in self.events:
            self._next()

    def _next(self):
        while b"\0" not in self.received:
            if not select.select([self.answers], [], [], 20)[0]:
                raise TimeoutError("the browser does not answer")
            part = os.read(self.answers, 1 << 16)
            if not part:
                raise RuntimeError("the browser has ended")
            self.received += part
        text, _, self.received = self.received.partition(b"\0")
        message = json.loads(text)
        event, content = message.get("method"), message.get("params")
        self.events.append(event)
        if event == "Runtime.exceptionThrown":
            details = content["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif event == "Runtime.consoleAPICalled" and content["type"] in ("error", "warning", "assert"):
            self.errors.append(str(content["args"]))
        elif event == "Log.entryAdded" and content["entry"]["level"] in ("error", "warning"):
            self.errors.append(content["entry"]["text"])
        return message
