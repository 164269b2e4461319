// Everything that decides a training run, and its one field list per struct.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gannet/config/fields.h"

namespace gannet {

/// Hyperparameters of the original (RB 1.2), in its order, then those of later releases.
struct Hyperparameters {
  double lr0 = 0.01;
  double lrf = 0.1;
  double momentum = 0.937;
  double weight_decay = 5e-4;
  double giou = 0.05;
  double cls = 0.58;
  double cls_pw = 1.0;
  double obj = 1.0;
  double obj_pw = 1.0;
  double anchor_t = 4.0;
  double fl_gamma = 0.0;
  double hsv_h = 0.014;
  double hsv_s = 0.68;
  double hsv_v = 0.36;
  double degrees = 0.0;
  double translate = 0.0;
  double scale = 0.5;
  double shear = 0.0;
  double fliplr = 0.5;
  int warmup_iterations = 1000;
  int nominal_batch = 64;
  double perspective = 0.0;
  double flipud = 0.0;
  double mosaic = 1.0;
  double mosaic9 = 0.0;
  double mixup = 0.0;
  double copy_paste = 0.0;
  std::string geometry = "july2020";
  std::string box_loss = "giou";
  std::string level_balance = "even";
  bool obj_by_area = false;
  double warmup_epochs = 3.0;
  double warmup_momentum = 0.9;
  double warmup_bias_lr = 0.1;
  double clip_grad = 0.0;
  double ema_decay = 0.9999;
  double ema_tau = 2000.0;
  double anchor_recall = 0.99;
  double val_pad = 0.0;
  int val_batch_factor = 1;
  std::string protocol = "auto";
};

template <class Visitor, class H>
void fields_of_hyperparameters(Visitor&& visit, H& h) {
  visit("lr0", h.lr0, "initial learning rate", Range{0, 1});
  visit("lrf", h.lrf, "final learning rate as a fraction of lr0", Range{0, 1});
  visit("momentum", h.momentum, "SGD momentum, Adam beta1", Range{0, 0.9999});
  visit("weight_decay", h.weight_decay, "decay of convolution weights at batch 64", Range{0, 1});
  visit("giou", h.giou, "box loss gain", Range{0, 1e6});
  visit("cls", h.cls, "class loss gain, scaled by classes / 80", Range{0, 1e6});
  visit("cls_pw", h.cls_pw, "weight of positives in the class loss", Range{0, 1e6});
  visit("obj", h.obj, "objectness loss gain", Range{0, 1e6});
  visit("obj_pw", h.obj_pw, "weight of positives in the objectness loss", Range{0, 1e6});
  visit("anchor_t", h.anchor_t, "largest side ratio between box and anchor", Range{1, 1e3});
  visit("fl_gamma", h.fl_gamma, "focal loss gamma, 0 for none", Range{0, 10});
  visit("hsv_h", h.hsv_h, "hue jitter, fraction", Range{0, 1});
  visit("hsv_s", h.hsv_s, "saturation jitter, fraction", Range{0, 1});
  visit("hsv_v", h.hsv_v, "brightness jitter, fraction", Range{0, 1});
  visit("degrees", h.degrees, "rotation, +- degrees", Range{0, 180});
  visit("translate", h.translate, "translation, +- fraction", Range{0, 1});
  visit("scale", h.scale, "scaling, +- fraction", Range{0, 1});
  visit("shear", h.shear, "shear, +- degrees", Range{0, 89});
  visit("fliplr", h.fliplr, "probability of a left-right flip", Range{0, 1});
  visit("warmup_iterations", h.warmup_iterations, "warm-up lasts at least this many batches",
        Range{0, 1e9});
  visit("nominal_batch", h.nominal_batch, "images per update that accumulation aims at",
        Range{1, 1e6});
  visit("perspective", h.perspective, "tilt, +- change of depth by pixel", Range{0, 0.01});
  visit("flipud", h.flipud, "probability of an up-down flip", Range{0, 1});
  visit("mosaic", h.mosaic, "probability of a mosaic", Range{0, 1});
  visit("mosaic9", h.mosaic9, "probability that a mosaic has nine images, not four", Range{0, 1});
  visit("mixup", h.mixup, "probability that another mosaic is laid over a mosaic", Range{0, 1});
  visit("copy_paste", h.copy_paste, "share of the outlined objects that are copied", Range{0, 1});
  visit("geometry", h.geometry, "order and limits of the random warp: july2020 or v7", Range{});
  visit("box_loss", h.box_loss, "overlap in the box loss: iou, giou, diou or ciou", Range{});
  visit("level_balance", h.level_balance,
        "weights of the levels' objectness: even, or v7 for more on small strides", Range{});
  visit("obj_by_area", h.obj_by_area, "objectness gain times (image size / 640) squared", Range{});
  visit("warmup_epochs", h.warmup_epochs, "length of the warm-up", Range{0, 1e4});
  visit("warmup_momentum", h.warmup_momentum, "SGD momentum at the start of the warm-up",
        Range{0, 0.9999});
  visit("warmup_bias_lr", h.warmup_bias_lr, "learning rate of biases at the start of the warm-up",
        Range{0, 1});
  visit("clip_grad", h.clip_grad, "largest norm of all gradients together, 0 for any",
        Range{0, 1e9});
  visit("ema_decay", h.ema_decay, "weight of the past in the average of the weights",
        Range{0, 0.999999});
  visit("ema_tau", h.ema_tau, "updates until the average has most of its past", Range{0, 1e9});
  visit("anchor_recall", h.anchor_recall, "share of boxes that anchors must fit to be kept",
        Range{0, 1});
  visit("val_pad", h.val_pad, "room around pictures of an evaluation in training, in strides",
        Range{0, 10});
  visit("val_batch_factor", h.val_batch_factor,
        "batches of an evaluation in training are this much larger", Range{1, 64});
  visit("protocol", h.protocol,
        "rules of the figures: july2020, v7, coco; auto: those of the model's release", Range{});
}

/// Settings of `train`; the names are those of the flags with '_' for '-'.
struct TrainSettings {
  std::string recipe;  // where the values come from; empty: they stand by themselves
  std::string cfg;     // empty: the model of the weights, else yolov5s
  std::string data = "data/coco128.yaml";
  std::string hyp;
  int epochs = 300;
  int batch_size = 16;
  std::vector<int> img_size = {640, 640};
  bool rect = false;
  bool nosave = false;
  bool notest = false;
  bool noautoanchor = false;
  std::string cache_images;
  std::string weights;
  bool raw_weights = false;
  std::string name;
  std::string project = "runs/train";
  bool exist_ok = false;
  std::string device;
  bool multi_scale = false;
  bool single_cls = false;
  std::int64_t seed = 0;
  int workers = 2;
  std::string precision = "auto";
  std::string memory_format = "channels_last";
  std::string optimizer = "sgd";
  bool linear_lr = false;
  std::vector<int> freeze = {0};
  bool quad = false;
  int patience = 0;
  int save_period = 0;
  int keep_periodic = 0;
  std::string save_every;
  double label_smoothing = 0;
  std::string compat = "fixed";
  bool image_weights = false;
  bool sync_bn = false;
  std::string grad_compress = "none";
  double dist_timeout = 300;
  bool deterministic = false;
  int close_mosaic = 0;
  int max_bad_steps = 3;
  double time_limit = 0;
  std::string bucket;
};

template <class Visitor, class S>
void fields_of_train(Visitor&& visit, S& s) {
  visit("recipe", s.recipe,
        "july2020, v7, or auto to decide from the data; empty: that of the model's release",
        Range{});
  visit("cfg", s.cfg, "model description; empty: that of the weights, else yolov5s", Range{});
  visit("data", s.data, "data description", Range{});
  visit("hyp", s.hyp, "file with hyperparameters", Range{});
  visit("epochs", s.epochs, "number of epochs", Range{1, 1e6});
  visit("batch_size", s.batch_size,
        "images per step over all processes; -1: as many as there is memory for",
        Range{kAuto, 65536});
  visit("img_size", s.img_size, "training and evaluation image size, px", Range{32, 16384});
  visit("rect", s.rect, "rectangular batches, no mosaic", Range{});
  visit("nosave", s.nosave, "save a checkpoint only after the last epoch", Range{});
  visit("notest", s.notest, "evaluate only after the last epoch", Range{});
  visit("noautoanchor", s.noautoanchor, "skip the anchor check", Range{});
  visit("cache_images", s.cache_images,
        "keep resized images: ram, or disk (also for the next run); empty for none", Range{});
  visit("weights", s.weights, "checkpoint to start from", Range{});
  visit("raw_weights", s.raw_weights,
        "of a checkpoint in training take the weights themselves, not their average", Range{});
  visit("name", s.name, "name of the run directory", Range{});
  visit("project", s.project, "folder of run directories", Range{});
  visit("exist_ok", s.exist_ok, "write into an existing run directory", Range{});
  visit("device", s.device, "cpu, or a CUDA device index; empty chooses", Range{});
  visit("multi_scale", s.multi_scale, "vary the image size from 0.5 to 1.5", Range{});
  visit("single_cls", s.single_cls, "treat all classes as one", Range{});
  visit("seed", s.seed, "decides everything random", Range{0, 9e15});
  visit("workers", s.workers, "loader threads; never changes results", Range{0, 256});
  visit("precision", s.precision, "auto, fp32, bf16 or fp16", Range{});
  visit("memory_format", s.memory_format, "channels_last or contiguous", Range{});
  visit("optimizer", s.optimizer, "sgd, adam or adamw", Range{});
  visit("linear_lr", s.linear_lr, "linear instead of cosine learning rate", Range{});
  visit("freeze", s.freeze,
        "layers that are not trained: their number from the first, or several of them",
        Range{0, 1000});
  visit("quad", s.quad, "four images of a batch in one of twice their size", Range{});
  visit("patience", s.patience, "stop after this many epochs without gain, 0 never", Range{0, 1e6});
  visit("save_period", s.save_period, "also keep a checkpoint every N epochs", Range{0, 1e6});
  visit("keep_periodic", s.keep_periodic,
        "keep only the newest N checkpoints of --save-period, 0 all", Range{0, 1e6});
  visit("save_every", s.save_every,
        "also save last.pt within epochs: every N steps, or 10m for minutes; empty: at their ends",
        Range{});
  visit("label_smoothing", s.label_smoothing, "class label smoothing", Range{0, 0.99});
  visit("compat", s.compat, "fixed, or original to repeat quirks that change numbers", Range{});
  visit("image_weights", s.image_weights,
        "show images with rare and badly found classes more often", Range{});
  visit("sync_bn", s.sync_bn, "batch norm over the batches of all processes", Range{});
  visit("grad_compress", s.grad_compress, "none, or bf16 or fp16 to halve what processes exchange",
        Range{});
  visit("deterministic", s.deterministic,
        "the same bits for any number of processes and threads; slower", Range{});
  visit("dist_timeout", s.dist_timeout, "seconds without the other processes before this one ends",
        Range{1, 1e6});
  visit("close_mosaic", s.close_mosaic, "no mosaics in the last N epochs", Range{0, 1e6});
  visit("max_bad_steps", s.max_bad_steps,
        "steps in a row without finite numbers until the run goes back to its last good state; 0: "
        "the first ends it",
        Range{0, 1e6});
  visit("time_limit", s.time_limit,
        "hours after which the run saves its state, reports and ends, 0 for any", Range{0, 1e6});
  visit("bucket", s.bucket,
        "gs://, s3:// or file:// address to which weights and results are uploaded", Range{});
}

/// Which release's quirks are repeated.
enum class Quirks { kNone, kJuly2020, kRelease7 };

/// A whole run: what `settings.yaml` of a run directory holds.
struct Settings {
  TrainSettings train;
  Hyperparameters hyp;
  /// Keys such as "train.epochs" that a person chose, by file or flag: a recipe that decides leaves
  /// them alone.
  std::set<std::string> chosen;

  /// Whether the batch size is to be found when the run starts (docs/memory.md).
  bool wants_batch_size() const { return train.batch_size == static_cast<int>(kAuto); }
  bool compat_original() const { return train.compat == "original"; }
  Quirks quirks() const {
    if (!compat_original()) return Quirks::kNone;
    const bool is_july = train.recipe.empty() || train.recipe == "july2020";
    return is_july ? Quirks::kJuly2020 : Quirks::kRelease7;
  }
};

/// Later assignments win: defaults, the file (with sections `train` and `hyp`; may be empty for
/// none), then `overrides` such as {"train.epochs", "50"}. Unknown keys and values out of range are
/// Errors that name the file, line and nearest key.
Settings load_settings(const std::string& path,
                       const std::map<std::string, std::string>& overrides = {});

/// The same from the text of a settings file; `path` is named in errors.
Settings parse_settings(const std::string& text, const std::string& path);

/// Assigns one value by key ("train.epochs", "hyp.lr0").
void assign_setting(Settings& settings, const std::string& key, const std::string& value);

/// Overlays the values that a settings file has.
void overlay_settings(Settings& settings, const std::string& path);

/// Overlays the values of a recipe, `configs/recipes/NAME.yaml`, and notes its name. Throws Error
/// (kUsage) for an unknown one.
void apply_recipe(Settings& settings, const std::string& name);

/// Overlays a hyperparameter file (keys at top level). `optimizer` is accepted and moved to its
/// place in `train`; keys that the original reads but never uses are reported and ignored.
void overlay_hyperparameters(Settings& settings, const std::string& path);

/// When last.pt is saved within epochs; zeros: not.
struct SaveInterval {
  std::int64_t steps = 0;
  double minutes = 0;
};
/// "500" steps or "10m". Throws Error (kUsage) for anything else.
SaveInterval parse_save_every(const std::string& text);

/// Checks words and combinations that a range cannot express, and completes img_size to two values.
void check_settings(Settings& settings);

/// The text of `settings.yaml`; load_settings reads it back to equal settings.
std::string settings_to_yaml(const Settings& settings);
std::string hyperparameters_to_yaml(const Hyperparameters& hyp);

/// Path of a model, data or hyperparameter file: as given, else among the shipped `configs`, with
/// or without ".yaml". Nothing is searched: Error (kUsage) if there is none, naming files of that
/// name in folders below.
std::string find_config(const std::string& name);

}  // namespace gannet
