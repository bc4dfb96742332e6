#!/usr/bin/env bash
# kill -9 of a training run at any moment, each time resumed: the weights' SHA-256 equals the uninterrupted run's. The same for one
# loader thread against four, and a full disk leaves the checkpoint before it whole.
#
#   tests/integration/kill_resume.sh path/to/tessera
set -euo pipefail
tessera=$(realpath "$1")
export OMP_WAIT_POLICY=passive  # threads that spin would starve the one that watches for the moment
work=$(mktemp -d)
trap 'umount "$work/small" 2>/dev/null || true; rm -rf "$work"' EXIT

# train OUT [flags]: a small model with everything random about it switched on. Replaces the (sub)shell, so that a kill hits the run.
train() {
  exec "$tessera" train --data shapes --data-set train=600 --data-set test=60 --model vit_cifar --set embed_dim=48 --set depth=3 \
    --set num_heads=3 --set proj_drop_rate=0.1 --set drop_path_rate=0.1 --crop-padding 4 --flip 0.5 --mixup 0.2 --ema 0.9 \
    --steps 120 --batch 32 --checkpoint-every 9 --seed 3 --threads 2 --out "$@" >>"$work/log" 2>&1
}
digest() { sha256sum "$1/model.safetensors" | cut -d' ' -f1; }
fail() {
  echo "FAILED: $*" >&2
  tail -5 "$work/log" >&2
  exit 1
}
# same NAME: the run NAME ended with the same weights as the uninterrupted one.
same() {
  [ "$(digest "$work/$1")" = "$expected" ] || fail "$1: other weights than the uninterrupted run"
  echo "$1: same weights"
}
# killed NAME CONDITION: starts the run, kills it when the condition command succeeds, resumes it to its end. A moment that passed
# unseen, since the machine was busy, is waited for again.
killed() {
  local out=$work/$1 pid attempt
  for attempt in 1 2 3 4 5; do
    rm -rf "$out"
    train "$out" &
    pid=$!
    while kill -0 "$pid" 2>/dev/null && ! eval "$2"; do :; done
    kill -9 "$pid" 2>/dev/null || true
    if ! wait "$pid" 2>/dev/null; then
      (train "$out" --resume) || fail "$1: did not resume"
      same "$1"
      return
    fi
  done
  fail "$1: the run was over each time before it could be killed"
}

(train "$work/whole" --loader-threads 1)
expected=$(digest "$work/whole")
(train "$work/loaders" --loader-threads 4)
same loaders

killed before_first_checkpoint "[ -e '$work/before_first_checkpoint' ]"
killed inside_a_save "[ -e '$work/inside_a_save/checkpoint.safetensors.part' ]"
for moment in 1 2 3 4 5; do
  wanted=$((RANDOM % 90 + 10))  # steps in the log when it happens
  killed "moment_$moment" "[ \"\$(cat '$work/moment_$moment/metrics.csv' 2>/dev/null | wc -l)\" -gt $wanted ]"
done

mkdir "$work/small"
if mount -t tmpfs -o size=1200k tmpfs "$work/small" 2>/dev/null; then
  if (train "$work/small/run"); then fail "full disk: the run says that it succeeded"; fi
  grep -q "No space left" "$work/log" || fail "full disk: no clear error"
  grep "No space left" "$work/log" | tail -1
  "$tessera" info "$work/small/run/checkpoint.safetensors" >/dev/null || fail "full disk: the checkpoint before is damaged"
  echo "full disk: a clear error, the checkpoint before is whole"
else
  echo "full disk: skipped, this user may not mount a tmpfs"
fi
