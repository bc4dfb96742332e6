// The map of the library: what to include for what.
//
//   classify pictures with a model file      tessera/infer/classifier.h
//   classify sentences, train on them        tessera/infer/sentence_classifier.h, tessera/data/sentences.h (docs/text.md)
//   build a model by name or architecture    tessera/models/registry.h
//   load and save model files                tessera/weights/model_file.h
//   train a model                            tessera/train/trainer.h, its options in tessera/train/options.h
//   follow a run (progress, logs, report)    tessera/train/observer.h; ready-made observers in tessera/report/
//   open a data set, make batches            tessera/data/open.h, tessera/data/batches.h
//   decode, resize and augment pictures      tessera/image/
//   write a model of one's own               tessera/nn/ (layers), tessera/ops/ (differentiable operations, the tape)
//   tensors, randomness, options, errors     tessera/core/
//   weights of another origin, and back      tessera/weights/model_file.h, tessera/weights/export.h
//   open any file of arrays                  tessera/formats/open.h
//   read and write safetensors, npy, npz     tessera/formats/
//
// Errors are exceptions: tessera::Error (core/error.h), with one sentence that says what to do. The library prints
// nothing and never exits. Everything runs on OpenMP's threads (core/parallel.h).
#pragma once

#include "tessera/core/error.h"
#include "tessera/core/parallel.h"
#include "tessera/core/tensor.h"
#include "tessera/data/open.h"
#include "tessera/infer/classifier.h"
#include "tessera/models/registry.h"
#include "tessera/train/trainer.h"
#include "tessera/weights/model_file.h"
