"""Median milliseconds of ONNX Runtime for one file. Usage: infer_onnx.py FILE.onnx THREADS ROUNDS"""
import sys
import time

import numpy
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[2])
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
shape = session.get_inputs()[0].shape
images = {session.get_inputs()[0].name: numpy.random.default_rng(0).random(shape, numpy.float32)}
times = []
for number in range(int(sys.argv[3]) + 2):
    begin = time.perf_counter()
    session.run(None, images)
    if number >= 2:
        times.append(1000 * (time.perf_counter() - begin))
print(f"  onnxruntime {onnxruntime.__version__} fp32 {sorted(times)[len(times) // 2]:8.2f} ms")
