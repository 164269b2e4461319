/* Detection from C and from whatever calls C: the interface of libgannet.so. Functions are added
 * and structs grow at their end only, so a program keeps working with a newer library.
 *
 * Every function that can fail returns a gannet_status; gannet_last_error() then says why.
 * Detectors may be used by several threads at once. Texts are UTF-8 and end in a zero. */
#ifndef GANNET_C_H
#define GANNET_C_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum gannet_status {
  GANNET_OK = 0,
  GANNET_ERROR_USAGE = 1, /* an argument or option that cannot be, a device that is not there */
  GANNET_ERROR_CHECKPOINT = 2, /* a file that is no model */
  GANNET_ERROR_DATA = 3,       /* bytes that are no picture */
  GANNET_ERROR_IO = 4,         /* a file that cannot be read */
  GANNET_ERROR_INTERNAL = 5    /* memory, the device, or a mistake in the library */
} gannet_status;

/* Trained models, ready to use. */
typedef struct gannet_detector gannet_detector;

/* Where to compute, and which boxes to keep. Filled by gannet_init_options, then changed. */
typedef struct gannet_options {
  size_t size;            /* of this struct, as the program knows it, bytes */
  const char* device;     /* "cpu", "cuda:0"; NULL chooses */
  const char* precision;  /* "auto", "fp32", "bf16", "fp16"; NULL is "auto" */
  int32_t image_size;     /* longer side of the network's input, px */
  double confidence;      /* the least, 0 to 1; -1: that of the best F1 when it was evaluated */
  double iou;             /* overlap at which the weaker box goes, 0 to 1 */
  const int32_t* classes; /* keep only these */
  size_t num_classes;     /* 0 keeps all */
  int32_t agnostic;       /* not 0: suppress across classes */
  int32_t augment;        /* not 0: test-time augmentation */
  int32_t merge;          /* not 0: average overlapping boxes */
  int32_t max_detections; /* of one image */
} gannet_options;

typedef enum gannet_order { GANNET_BGR = 0, GANNET_RGB = 1, GANNET_GREY = 2 } gannet_order;

/* Pixels in the caller's memory, 8 bits a channel, channels interleaved (one of grey, else three).
 */
typedef struct gannet_image {
  const uint8_t* data;
  int32_t width, height; /* px */
  int64_t row_bytes;     /* from one row to the next; 0: rows without gaps */
  int32_t order;         /* a gannet_order */
} gannet_image;

/* An object: corners in pixels of the image, confidence in 0 to 1, number of its class. */
typedef struct gannet_detection {
  float x1, y1, x2, y2;
  float score;
  int32_t class_id;
} gannet_detection;

/* Objects in one image, descending score. Belongs to the caller, who frees it. */
typedef struct gannet_detections {
  gannet_detection* items;
  size_t count;
} gannet_detections;

/* "0.1.0" */
const char* gannet_version(void);

/* Why the last call of this thread that failed did so; "" before any. Valid until the next one. */
const char* gannet_last_error(void);

/* Writes the defaults. size: sizeof(gannet_options). */
gannet_status gannet_init_options(gannet_options* options, size_t size);

/* Loads a checkpoint. options: NULL for the defaults. *detector is NULL after a failure. */
gannet_status gannet_load(const char* checkpoint, const gannet_options* options,
                          gannet_detector** detector);

/* Several models of the same classes as one. */
gannet_status gannet_load_ensemble(const char* const* checkpoints, size_t num_checkpoints,
                                   const gannet_options* options, gannet_detector** detector);

/* NULL is fine. No call of this detector may be under way. */
void gannet_free_detector(gannet_detector* detector);

/* Objects in one image. *found is empty after a failure. */
gannet_status gannet_detect(const gannet_detector* detector, const gannet_image* image,
                            gannet_detections* found);

/* Objects in several images that go through the network together. found: num_images of them. */
gannet_status gannet_detect_batch(const gannet_detector* detector, const gannet_image* images,
                                  size_t num_images, gannet_detections* found);

/* Objects in the bytes of a picture file: JPEG, PNG, BMP, TIFF or WebP. */
gannet_status gannet_detect_encoded(const gannet_detector* detector, const void* bytes,
                                    size_t num_bytes, gannet_detections* found);

/* Frees what `found` holds and empties it. NULL and what is empty already are fine. */
void gannet_free_detections(gannet_detections* found);

/* 0 without a detector. */
size_t gannet_num_classes(const gannet_detector* detector);

/* Name of a class, valid as long as the detector; NULL for a number that is none. */
const char* gannet_class_name(const gannet_detector* detector, int32_t class_id);

/* Longer side of the network's input, px: that of the options, as a multiple of the stride. */
int32_t gannet_image_size(const gannet_detector* detector);

#ifdef __cplusplus
}
#endif

#endif
