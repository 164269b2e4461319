"""Serves pictures over RTSP (RFC 2326), each connection FRAMES of them, RATE a second, then hangs up.

Usage: rtsp_server.py PORT_FILE FRAMES RATE CONNECTIONS PICTURE...; after so many connections it answers 404.
Needs nothing but Python: the pictures are baseline JPEG files with the usual Huffman tables, sides multiples of 8, and
go as RTP packets (RFC 2435) through the connection of the requests.
"""
import socketserver
import struct
import sys
import time

port_file, frames, rate, connections = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
served = 0

PAYLOAD_JPEG = 26  # RFC 3551
CLOCK_HZ = 90000
PIECE = 1400  # bytes of a picture in a packet
DQT, SOF0, SOS = 0xDB, 0xC0, 0xDA  # markers


class Picture:
    """What RFC 2435 sends of a JPEG file: size, sampling, quantisation tables and the coded scan."""

    def __init__(self, path):
        data = open(path, "rb").read()
        at, self.tables = 2, b""
        while True:
            _, marker, length = struct.unpack(">BBH", data[at:at + 4])
            part = data[at + 4:at + 2 + length]
            at += 2 + length
            if marker == DQT:
                self.tables += b"".join(part[i + 1:i + 65] for i in range(0, len(part), 65))
            elif marker == SOF0:
                height, width, sampling = struct.unpack(">HHxxB", part[1:8])
                if width % 8 or height % 8:
                    sys.exit(f"{path}: {width}x{height} cannot be sent")
                self.kind = {0x21: 0, 0x22: 1}[sampling]  # 4:2:2, 4:2:0
                self.blocks = width // 8, height // 8
            elif marker == SOS:
                self.scan = data[at:data.rindex(b"\xff\xd9")]
                return

    def payloads(self):
        for offset in range(0, len(self.scan), PIECE):
            head = struct.pack(">I4B", offset, self.kind, 255, *self.blocks)  # 255: tables come along
            if offset == 0:
                head += struct.pack(">HH", 0, len(self.tables)) + self.tables
            yield head + self.scan[offset:offset + PIECE], offset + PIECE >= len(self.scan)


pictures = [Picture(path) for path in sys.argv[5:]]


class Handler(socketserver.StreamRequestHandler):
    def answer(self, number, status="200 OK", headers=(), body=""):
        lines = [f"RTSP/1.0 {status}", f"CSeq: {number}", f"Content-Length: {len(body)}", *headers, "", body]
        self.wfile.write("\r\n".join(lines).encode())

    def handle(self):
        global served
        while line := self.rfile.readline().decode().strip():
            method, headers = line.split()[0], {}
            while header := self.rfile.readline().decode().strip():
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            number = headers["cseq"]
            if method == "DESCRIBE":
                served += 1
                if served > connections:
                    return self.answer(number, "404 Not Found")
                media = f"m=video 0 RTP/AVP {PAYLOAD_JPEG}\r\na=control:track\r\na=framerate:{rate}\r\n"
                self.answer(number, headers=["Content-Type: application/sdp"],
                            body="v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\n" + media)
            elif method == "SETUP":
                self.answer(number, headers=["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"])
            elif method == "PLAY":
                self.answer(number, headers=["Session: 1"])
                return self.play()
            else:
                self.answer(number, headers=["Public: OPTIONS, DESCRIBE, SETUP, PLAY"])

    def play(self):
        sequence = 0
        for frame in range(frames):
            for payload, last in pictures[frame % len(pictures)].payloads():
                packet = struct.pack(">BBHII", 0x80, PAYLOAD_JPEG | (last << 7), sequence & 0xFFFF,
                                     int(frame * CLOCK_HZ / rate) & 0xFFFFFFFF, 1) + payload
                try:
                    self.wfile.write(b"$\0" + struct.pack(">H", len(packet)) + packet)
                except OSError:
                    return
                sequence += 1
            time.sleep(1 / rate)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


with Server(("127.0.0.1", 0), Handler) as server:
    with open(port_file, "w") as file:
        file.write(str(server.server_address[1]))
    server.serve_forever()
