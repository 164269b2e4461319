"""Serves pictures as an MJPEG stream at /stream, each connection FRAMES of them, RATE a second.

Usage: mjpeg_server.py PORT_FILE FRAMES RATE CONNECTIONS PICTURE...; after so many connections it answers 404.
Needs nothing but Python: the pictures are JPEG files and are sent as they are.
"""
import http.server
import sys
import time

port_file, frames, rate, connections = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
pictures = [open(name, "rb").read() for name in sys.argv[5:]]
served = 0


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global served
        served += 1
        if served > connections:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for number in range(frames):
            picture = pictures[number % len(pictures)]
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + picture + b"\r\n")
            except OSError:
                return
            time.sleep(1 / rate)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(port_file, "w") as file:
    file.write(str(server.server_port))
server.serve_forever()
