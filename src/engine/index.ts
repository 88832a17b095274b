/**
 * The engine, as a library: tensors and autograd, nn, losses, optimizers, and the trainer that jobs run on.
 *
 *     useDevice(new Device(await createWasmBackend()));
 *     const model = new Sequential(new Linear(2, 8), new Tanh(), new Linear(8, 1));
 *     const optimizer = new Adam(model.parameters(), { lr: 0.01 });
 *     const loss = new MSELoss().forward(model.forward(x), y);
 *     optimizer.zeroGrad(); loss.backward(); optimizer.step();
 */
export { type BackwardOptions, enableGrad, grad, noGrad } from "./autograd.ts";
export { type Backend, OutOfMemoryError } from "./backend.ts";
export { findGpu, type GpuAnswer } from "./backends/gpu/find-gpu.ts";
export { createGpuBackend, type GpuBackend, type GpuBackendOptions } from "./backends/gpu/gpu-backend.ts";
export { DeviceLostError, UnavailableError } from "./backends/gpu/gpu-errors.ts";
export { gpuSettled, gpuShared, settleGpu } from "./backends/gpu/thread-line.ts";
export { createWasmBackend, type WasmBackend } from "./backends/wasm/wasm-backend.ts";
export * from "./definitions.ts";
export { Device, defaultDevice, useDevice } from "./device.ts";
export * from "./losses/index.ts";
export { buildModel } from "./nn/build.ts";
export * from "./nn/index.ts";
export * as ops from "./ops/index.ts";
export * from "./optim/index.ts";
export { manualSeed, RandomStream, rand, randn } from "./random.ts";
export { decodeSafetensors, encodeSafetensors, type Safetensors, type TensorData } from "./safetensors.ts";
export { full, linspace, type Nested, ones, scope, Tensor, tensor, zeros } from "./tensor.ts";
export { checkpointAbout, checkpointShapes, modelWeights } from "./train/checkpoint.ts";
export { type Continuation, type ContinuedPlan, continuationOf } from "./train/continuation.ts";
export type {
  AnomalyEvent,
  ChangeEvent,
  CheckpointEvent,
  EpochEvent,
  ProbeEvent,
  TrainerEvent,
  TrainerHooks,
  TrainerOutcome,
  Wish,
} from "./train/plan.ts";
export { type Prediction, Predictor } from "./train/predictor.ts";
export { Trainer } from "./train/trainer.ts";
