"""Load on `gannet serve`: many connections, good pictures mixed with what is none.

Usage: serve_load.py PORT PID PICTURES_FOLDER REQUESTS CONNECTIONS. Ends with 1 where an answer is missing or wrong,
or the server's memory grows. Every good answer is compared with that of the same picture before the load.
"""
import collections
import glob
import http.client
import json
import os
import random
import socket
import sys
import threading
import time

pid, folder = sys.argv[2:4]
port, requests, connections = (int(sys.argv[i]) for i in (1, 4, 5))
random.seed(int(os.environ.get("GANNET_TEST_SEED", "0")))
pictures = [open(path, "rb").read() for path in sorted(glob.glob(os.path.join(folder, "*.jpg")))[:8]]
BOUNDARY = "----load"


def form(picture):
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    return head.encode() + picture + f"\r\n--{BOUNDARY}--\r\n".encode()


def post(connection, body, content_type="image/jpeg"):
    connection.request("POST", "/detect", body, {"Content-Type": content_type})
    response = connection.getresponse()
    return response.status, response.read(), response.will_close


def summary(answer):
    """Of one picture: its size, how many objects, the confidence of the first."""
    answer = json.loads(answer)
    found = answer["detections"]
    return *answer["image"].values(), len(found), found[0]["confidence"] if found else 0


def is_like(a, b):
    """Batches round otherwise in the last digits, which may decide between equal boxes."""
    return a[:2] == b[:2] and abs(a[2] - b[2]) <= 2 and abs(a[3] - b[3]) < 1e-4


def send_raw(content):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(content)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    return int(answer.split()[1]) if answer else 0


def resident_mb():
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def head(length):
    return f"POST /detect HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()


def bad_request(kind, connect):
    """Sends one; returns (status, those that are right)."""
    picture = random.choice(pictures)
    if kind == "text":
        return post(connect(), b"hello" * random.randint(0, 1000))[0], {400}
    if kind == "cut picture":
        return post(connect(), picture[: random.randint(1, len(picture) // 2)])[0], {400}
    if kind == "broken form":
        return post(connect(), form(picture)[: -random.randint(10, 500)], f"multipart/form-data; boundary={BOUNDARY}")[0], {400}
    if kind == "huge":
        return send_raw(head(10**10) + b"x" * 200000), {413}
    if kind == "cut body":
        return send_raw(head(len(picture)) + picture[: random.randint(0, len(picture) - 1)]), {400}
    return send_raw(os.urandom(random.randint(4, 2000)) + b"\r\n\r\n"), {0, 400, 414}


BAD = ["text", "cut picture", "broken form", "huge", "cut body", "no HTTP"]
lock, next_number = threading.Lock(), iter(range(requests))
statuses, wrong, latencies = collections.Counter(), [], []
expected = []


def client():
    connection = None

    def connect():
        nonlocal connection
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        return connection

    while True:
        with lock:
            number = next(next_number, None)
            kind = random.choice(BAD) if random.random() < 0.25 else "picture"
            which, as_form = random.randrange(len(pictures)), random.random() < 0.5
        if number is None:
            return
        try:
            if kind == "picture":
                started = time.monotonic()
                body = form(pictures[which]) if as_form else pictures[which]
                kind_of = f"multipart/form-data; boundary={BOUNDARY}" if as_form else "image/jpeg"
                status, answer, closes = post(connect(), body, kind_of)
                took = time.monotonic() - started
                good = status == 200 and is_like(summary(answer), expected[which])
                if closes or status != 200:
                    connection = connection.close()
            else:
                status, right = bad_request(kind, connect)
                good = status in right
                if kind in BAD[:3]:
                    connection = connection.close()
        except Exception as error:  # an answer that did not come
            status, good, connection = repr(error), False, None
        with lock:
            statuses[f"{kind}: {status}"] += 1
            if not good:
                wrong.append((number, kind, status))
            elif kind == "picture":
                latencies.append(took)


for picture in pictures:
    expected.append(summary(post(http.client.HTTPConnection("127.0.0.1", port, timeout=60), picture)[1]))
assert all(one[2] > 0 for one in expected), "nothing is found"
assert len({one[:2] for one in expected}) > 2, "pictures need several sizes, by which answers are told apart"
memory, started = [], time.monotonic()
threads = [threading.Thread(target=client) for _ in range(connections)]
for thread in threads:
    thread.start()
while any(thread.is_alive() for thread in threads):
    memory.append(resident_mb())
    time.sleep(0.25)
seconds = time.monotonic() - started

metrics = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
metrics.request("GET", "/metrics")
text = metrics.getresponse().read().decode()
assert "gannet_waiting_pictures 0\n" in text, text
print(f"{sum(statuses.values())} answers in {seconds:.1f} s from {connections} connections")
print("\n".join(f"  {count:6} {what}" for what, count in sorted(statuses.items())))
latencies.sort()
at = lambda share: latencies[min(len(latencies) - 1, int(share * len(latencies)))] * 1e3
print(f"pictures, ms: p50 {at(.5):.0f}, p90 {at(.9):.0f}, p99 {at(.99):.0f}, most {latencies[-1] * 1e3:.0f}")
half, last = memory[len(memory) // 2], memory[-1]
print(f"memory of the server, MiB: first {memory[0]:.0f}, half way {half:.0f}, last {last:.0f}, most {max(memory):.0f}")
if wrong:
    print(f"{len(wrong)} wrong or lost, such as {wrong[:5]}")
if len(latencies) + sum(c for w, c in statuses.items() if not w.startswith("picture")) + len(wrong) < requests:
    sys.exit("requests are missing")
sys.exit(bool(wrong) or last > half * 1.1 + 16)
