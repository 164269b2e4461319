# Objects in one picture, from Python without any package: detect_picture.py libgannet.so best.pt street.jpg 0.25
import ctypes
import sys


class Options(ctypes.Structure):  # the first members of gannet_options; the library knows the rest
    _fields_ = [("size", ctypes.c_size_t), ("device", ctypes.c_char_p), ("precision", ctypes.c_char_p),
                ("image_size", ctypes.c_int32), ("confidence", ctypes.c_double)]


class Detection(ctypes.Structure):
    _fields_ = [(name, ctypes.c_float) for name in ("x1", "y1", "x2", "y2", "score")] + [("class_id", ctypes.c_int32)]


class Detections(ctypes.Structure):
    _fields_ = [("items", ctypes.POINTER(Detection)), ("count", ctypes.c_size_t)]


def check(status):
    if status:
        sys.exit(gannet.gannet_last_error().decode())


gannet = ctypes.CDLL(sys.argv[1])
gannet.gannet_last_error.restype = gannet.gannet_class_name.restype = ctypes.c_char_p
options, detector, found = Options(), ctypes.c_void_p(), Detections()
check(gannet.gannet_init_options(ctypes.byref(options), ctypes.c_size_t(ctypes.sizeof(options))))
options.image_size, options.confidence = 320, float(sys.argv[4])
check(gannet.gannet_load(sys.argv[2].encode(), ctypes.byref(options), ctypes.byref(detector)))
with open(sys.argv[3], "rb") as file:
    content = file.read()
check(gannet.gannet_detect_encoded(detector, content, ctypes.c_size_t(len(content)), ctypes.byref(found)))
for d in found.items[: found.count]:
    name = gannet.gannet_class_name(detector, d.class_id).decode()
    print(f"{name} {d.score:.3f} at {d.x1:.1f}, {d.y1:.1f}")
gannet.gannet_free_detections(ctypes.byref(found))
gannet.gannet_free_detector(detector)
