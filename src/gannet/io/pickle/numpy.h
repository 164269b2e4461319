// Internal to the unpickler: numpy arrays and scalars as numpy's own __reduce__ describes them.
// Source of the layout: numpy/core/src/multiarray/methods.c (array_reduce, array_setstate) and
// descriptor.c (arraydescr_reduce).
#pragma once

#include "gannet/io/pickle/objects.h"
#include "gannet/io/value.h"

namespace gannet {

/// numpy.dtype("f8", align, copy): kept as a Record until its byte order arrives by BUILD.
Value numpy_dtype(const Value::List& args, PickleObjects& objects);
/// _reconstruct(ndarray, (0,), b"b"): an empty array that BUILD fills.
Value numpy_reconstruct(const Value::List& args, PickleObjects& objects);
/// scalar(dtype, bytes) -> bool, int or float.
Value numpy_scalar(const Value::List& args, PickleObjects& objects);
/// _frombuffer(bytes, dtype, shape, order), written by protocol 5.
Value numpy_from_buffer(const Value::List& args, PickleObjects& objects);
/// The array's state: (version, shape, dtype, is_fortran, bytes).
void numpy_set_state(TensorData& array, const Value& state, PickleObjects& objects);

}  // namespace gannet
