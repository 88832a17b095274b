/** Embeddings of numbers that have none: found at submission where the numbers are known, else before training. */
import { describe, expect, test } from "vitest";
import { csvBlocks } from "../../src/data/index.ts";
import { prepareJobData } from "../../src/spec/index.ts";
import { chunks } from "../data/sources-of-the-tests.ts";
import { accepted, context, inline, mistakesOf } from "./specs-of-the-tests.ts";

const embedding = (num_embeddings: number) => ({
  layers: [
    { type: "Embedding", num_embeddings, embedding_dim: 3 },
    { type: "Flatten" },
    { type: "Linear", out_features: 2 },
  ],
});
const withInputs = (inputs: unknown, num_embeddings = 10) => ({
  ...inline,
  model: embedding(num_embeddings),
  data: { inline: { inputs, targets: [0, 1] } },
});

describe("rows at hand", () => {
  test("with whole numbers in range are accepted", async () => {
    await accepted(
      withInputs([
        [0, 9],
        [3, 1],
      ]),
    );
  });

  test.each([
    [
      "too large",
      [
        [0, 1],
        [10, 1],
      ],
      "data.inline.inputs[1][0]",
      "10",
    ],
    [
      "negative",
      [
        [0, 1],
        [2, -1],
      ],
      "data.inline.inputs[1][1]",
      "-1",
    ],
    [
      "not whole",
      [
        [0.5, 1],
        [2, 1],
      ],
      "data.inline.inputs[0][0]",
      "0.5",
    ],
  ])("that are %s are told with their place", async (_, inputs, path, value) => {
    expect(await mistakesOf(withInputs(inputs))).toEqual([
      { path, message: `${value} has no embedding: layer 0 (Embedding) takes whole numbers from 0 to 9` },
    ]);
  });

  test("are seen through layers that hand them on, and within a Sequential", async () => {
    const [lookup, ...rest] = embedding(2).layers;
    const model = { layers: [{ type: "Identity" }, { type: "Sequential", layers: [lookup] }, ...rest] };
    expect(
      await mistakesOf({
        ...withInputs([
          [0, 1],
          [2, 1],
        ]),
        model,
      }),
    ).toMatchObject([{ message: "2 has no embedding: layer 1.0 (Embedding) takes whole numbers from 0 to 1" }]);
  });

  test("are taken as preprocessing leaves them", async () => {
    const spec = withInputs(
      [
        [0, 10],
        [20, 10],
      ],
      3,
    );
    await accepted({ ...spec, data: { ...spec.data, preprocess: { scale: 0.1 } } });
  });
});

describe("columns of a file", () => {
  const column = (name: string, dtype: "integer" | "number", min: number, max: number) => ({
    ...{ name, dtype, min, max, mean: (min + max) / 2, missing: 0, categories: null },
  });
  const labels = { ...column("y", "integer", 0, 1), categories: ["0", "1"] };
  const file = (...columns: ReturnType<typeof column>[]) => ({
    ...context,
    dataset: async () => ({ rows: 2, columns: [...columns, labels] }),
  });
  const spec = { ...inline, model: embedding(10), data: { dataset_id: "ds_a", target: "y" } };

  test("are judged by their statistics", async () => {
    expect(await mistakesOf(spec, file(column("a", "integer", 0, 9)))).toEqual([]);
    expect(await mistakesOf(spec, file(column("a", "integer", 0, 9), column("b", "integer", 3, 12)))).toEqual([
      { path: "data", message: 'column "b": 12 has no embedding: layer 0 (Embedding) takes whole numbers from 0 to 9' },
    ]);
    expect(await mistakesOf(spec, file(column("a", "number", 0, 5)))).toMatchObject([
      { path: "data", message: expect.stringMatching(/^column "a", on average 2.5 has no embedding/) },
    ]);
  });

  test("that preprocessing changes are judged before training, by sample", async () => {
    const scaled = { ...spec, data: { ...spec.data, preprocess: { scale: 2 } } };
    const checked = await accepted(scaled, file(column("a", "integer", 0, 9)));
    await expect(prepareJobData(checked.spec, { open: () => csvBlocks(chunks("a,y\n3,0\n9,1\n")) })).rejects.toThrow(
      "sample 2: 18 has no embedding: layer 0 (Embedding) takes whole numbers from 0 to 9",
    );
  });
});
