/**
 * TensorFlow.js's side of the benchmark, on its WebAssembly backend: told a workload and a duration on stdin, answers
 * how many repetitions it made. One JSON object per line each way, as torch_step.py.
 *
 * Training is written as one would by hand for speed: the data set is a tensor, a batch is a gather of shuffled rows,
 * products come with their bias and activation in one kernel, the loss is summed on the backend and read once per epoch.
 */
import { createInterface } from "node:readline";
import "@tensorflow/tfjs-backend-cpu";
import { getThreadsCount } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients of all kernels; nothing else of it is used.
import "@tensorflow/tfjs-layers";

const ROWS = 1024;

const logistic = () =>
  training({
    layers: [dense(16, 1)],
    inputs: tf.randomUniform([ROWS, 16]),
    targets: tf.cast(tf.randomUniform([ROWS, 1], 0, 2, "int32"), "float32"),
    lossOf: (output, target) => tf.losses.sigmoidCrossEntropy(target, output),
    optimizer: tf.train.sgd(0.1),
    batch: 32,
  });

const classifier = (widths, batch, optimizer) => () => {
  const classes = widths.at(-1);
  return training({
    layers: widths.slice(1).map((to, i) => dense(widths[i], to, i < widths.length - 2 ? "relu" : undefined)),
    inputs: tf.randomNormal([ROWS, widths[0]]),
    targets: tf.oneHot(tf.randomUniform([ROWS], 0, classes, "int32"), classes, 1, 0, "float32"),
    lossOf: (output, target) => tf.losses.softmaxCrossEntropy(target, output),
    optimizer: optimizer(),
    batch,
  });
};

const cnn = () => {
  const convolution = (from, to) => {
    const weight = drawn([3, 3, from, to], 9 * from);
    const bias = drawn([to], 9 * from);
    return (x) =>
      tf.maxPool(
        tf.fused.conv2d({ x, filter: weight, strides: 1, pad: "same", bias, activation: "relu" }),
        2,
        2,
        "valid",
      );
  };
  return training({
    layers: [convolution(1, 16), convolution(16, 32), (x) => tf.reshape(x, [-1, 32 * 49]), dense(32 * 49, 10)],
    inputs: tf.randomNormal([ROWS, 28, 28, 1]),
    targets: tf.oneHot(tf.randomUniform([ROWS], 0, 10, "int32"), 10, 1, 0, "float32"),
    lossOf: (output, target) => tf.losses.softmaxCrossEntropy(target, output),
    optimizer: tf.train.adam(1e-3),
    batch: 64,
  });
};

function drawn(shape, inputs) {
  const bound = 1 / Math.sqrt(inputs);
  return tf.variable(tf.randomUniform(shape, -bound, bound));
}

function dense(from, to, activation) {
  const weight = drawn([from, to], from);
  const bias = drawn([to], from);
  return (a) => tf.fused.matMul({ a, b: weight, bias, activation });
}

function training({ layers, inputs, targets, lossOf, optimizer, batch }) {
  const total = tf.variable(tf.scalar(0), false);
  let start = ROWS;
  let order;
  return () => {
    if (start >= ROWS) {
      total.dataSync();
      order?.dispose();
      order = tf.tensor1d(Int32Array.from(tf.util.createShuffledIndices(ROWS)), "int32");
      start = 0;
    }
    tf.tidy(() => {
      const rows = tf.slice1d(order, start, batch);
      const [x, y] = [tf.gather(inputs, rows), tf.gather(targets, rows)];
      const loss = optimizer.minimize(
        () =>
          lossOf(
            layers.reduce((value, layer) => layer(value), x),
            y,
          ),
        true,
      );
      total.assign(tf.add(total, loss));
    });
    start += batch;
  };
}

const matmul = () => {
  const [a, b] = [tf.randomNormal([512, 512]), tf.randomNormal([512, 512])];
  return () => tf.dispose(tf.matMul(a, b));
};

const elementwise = (compute) => () => {
  const x = tf.randomUniform([1 << 18]);
  return () => tf.dispose(compute(x));
};

const adam = () => tf.train.adam(1e-3);
const sgd = () => tf.train.sgd(0.01);

const WORKLOADS = {
  logistic,
  mlp: classifier([20, 64, 64, 3], 32, adam),
  "digits-mlp": classifier([784, 256, 128, 10], 64, adam),
  cnn,
  wide: classifier([1024, 1024, 1024, 10], 256, sgd),
  matmul,
  exp: elementwise(tf.exp),
  tanh: elementwise(tf.tanh),
  add: elementwise((x) => tf.add(x, x)),
};

function repeat(step, seconds) {
  const start = performance.now();
  let now = start;
  let count = 0;
  for (; now - start < seconds * 1000; count++) {
    step();
    now = performance.now();
  }
  return { count, seconds: (now - start) / 1000 };
}

function answer({ workload, seconds }, made) {
  try {
    made[workload] ??= WORKLOADS[workload]();
    return repeat(made[workload], seconds);
  } catch (error) {
    return { error: error.message };
  }
}

await tf.setBackend("wasm");
await tf.ready();
const simd = await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT");
console.log(JSON.stringify({ version: tf.version_core, simd, threads: getThreadsCount() }));
const made = {};
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(answer(JSON.parse(line), made)));
}
