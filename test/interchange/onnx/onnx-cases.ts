/** What is exported to ONNX and run there: every layer, and models with preprocessing. */

import { interpretOutputs } from "../../../src/api/inference/interpret-outputs.ts";
import { applyPreprocess, type FittedPreprocess } from "../../../src/data/index.ts";
import { exportOnnx } from "../../../src/interchange/onnx/export-onnx.ts";
import type { TrainedFile } from "../../../src/interchange/trained-file.ts";
import {
  type LayerCase,
  layerCases,
  predict,
  questionOf,
  trainedFile,
  unprepared,
  type Values,
} from "../layer-cases.ts";

export interface OnnxCase {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly inputs: Values;
  readonly outputs: Readonly<Record<string, Values>>;
}

export const onnxCases = (): OnnxCase[] => [...layerCases().map(ofLayers), ...prepared()];

function ofLayers(given: LayerCase): OnnxCase {
  const { outputs, ...question } = questionOf(given);
  return { ...question, bytes: exportOnnx(trainedFile(given), "0"), outputs: { outputs } };
}

/** Rows as clients send them; what onnxruntime is given says missing values as NaN, or all as text. */
function prepared(): OnnxCase[] {
  const plain = unprepared([3]);
  return [
    withPreprocess("standardized", { ...plain, scale: 0.5, mean: [1, -200, 1e5], std: [2, 30, 7] }, [
      [1.5, -190, 200_010],
      [-3, 40, 199_999],
    ]),
    withPreprocess("imputed", { ...plain, map: { 9: 1, "": 0.25, 1: 2 }, impute: [0, 0, 0] }, [
      [9, null, 1],
      [null, 2, 9],
    ]),
    withPreprocess("imputed-by-mean", { ...plain, impute: [0.5, 7, -1] }, [
      [null, null, 1],
      [3, 2, null],
    ]),
    withPreprocess("images", { ...unprepared([2, 6]), shape: [1, 3, 4], scale: 1 / 255 }, [
      Array.from({ length: 2 }, (_, i) => Array.from({ length: 6 }, (_, j) => 20 * i + j)),
    ]),
    withPreprocess(
      "one-hot-numbers",
      { ...plain, shape: [5], oneHot: [{ column: 1, categories: ["1", "2.5", "7"] }] },
      [
        [0.5, 2.5, 1],
        [0.25, 3, 2],
        [0.25, 7, 2],
      ],
    ),
    withPreprocess(
      "one-hot-words",
      {
        ...plain,
        shape: [6],
        map: { low: -1, high: 1, "": 0 },
        oneHot: [
          { column: 0, categories: ["oslo", "paris"] },
          { column: 2, categories: ["-1", "maybe", "1"] },
        ],
        impute: [0, 4, 0],
      },
      [
        ["oslo", "2.5", "low"],
        ["rome", "true", "maybe"],
        ["paris", "high", "high"],
        ["paris", "NA", "7"],
      ],
    ),
    withPreprocess("votes", { ...plain, map: { y: 1, n: 0, "": 0.5 } }, [
      ["y", "n", ""],
      ["n", "?", "y"],
    ]),
    withPreprocess(
      "binary",
      plain,
      [
        [1, 2, 3],
        [-1, 0, 1],
      ],
      { loss: "BCEWithLogitsLoss", classes: ["no", "yes"] },
    ),
    withPreprocess(
      "probabilities",
      plain,
      [
        [1, 2, 3],
        [-1, 0, 1],
      ],
      { loss: "BCELoss", classes: ["no", "yes"] },
    ),
    withPreprocess(
      "numbered-classes",
      plain,
      [
        [1, 2, 3],
        [-1, 0, 1],
      ],
      { loss: "CrossEntropyLoss" },
      4,
    ),
    withPreprocess(
      "named-classes",
      plain,
      [
        [1, 2, 3],
        [-1, 0, 1],
      ],
      { loss: "NLLLoss", classes: ["a", "b", "ü"] },
      3,
    ),
  ];
}

function withPreprocess(
  name: string,
  preprocess: FittedPreprocess,
  rows: readonly unknown[],
  about: Partial<TrainedFile["about"]> = {},
  width = 1,
): OnnxCase {
  const features = preprocess.shape.reduce((a, b) => a * b, 1);
  const last = { NLLLoss: "LogSoftmax", BCELoss: "Sigmoid" }[about.loss ?? ""] ?? "Identity";
  const layers = [
    { type: "Flatten" },
    { type: "Linear", in_features: features, out_features: width },
    { type: last, ...(last === "LogSoftmax" && { dim: 1 }) },
  ];
  const file = trainedFile({ name, layers, input: preprocess.shape }, { preprocess, ...about });
  const { inputs, count } = applyPreprocess(preprocess, rows);
  const { outputs } = predict({ name, layers, input: preprocess.shape }, file.weights, inputs);
  const { labels, probabilities } = interpretOutputs(file.about.loss, outputs, width, file.about.classes);
  return {
    name,
    bytes: exportOnnx(file, "0"),
    inputs: {
      shape: [count, ...preprocess.rawShape],
      values: rows.flat(3).map((cell) => (cell === null ? "nan" : cell)),
    },
    outputs: {
      outputs: { shape: [count, width], values: [...outputs] },
      ...(labels && { labels: { shape: [count], values: labels } }),
      ...(probabilities && {
        probabilities: { shape: [count, probabilities[0]?.length ?? 0], values: probabilities.flat() },
      }),
    },
  };
}
