/** What the service tells of itself. */
import { expect, test } from "vitest";
import { z } from "zod";
import { InlineData } from "../../src/data/data-spec.ts";
import { layers, losses, metrics, optimizers } from "../../src/engine/definitions.ts";
import { Catalogue, catalogue, JobSpec } from "../../src/spec/index.ts";
import { accepted } from "./specs-of-the-tests.ts";

test("everything that the engine defines is in it, with a schema", () => {
  const all = catalogue();
  expect(Catalogue.parse(all)).toEqual(all);
  expect(all.layers.map(({ type }) => type)).toEqual([...layers.keys()]);
  expect(all.losses.map(({ type }) => type)).toEqual([...losses.keys()]);
  expect(all.optimizers.map(({ type }) => type)).toEqual([...optimizers.keys()]);
  expect(all.metrics.map(({ name }) => name)).toEqual([...metrics.keys()]);
  expect(all.builtin_datasets.map(({ name }) => name)).toContain("iris");
});

test("a layer's schema says what must be given and what has a default", () => {
  const linear = catalogue().layers.find(({ type }) => type === "Linear");
  expect(linear?.schema).toMatchObject({
    type: "object",
    required: ["type", "out_features"],
    additionalProperties: false,
    properties: { type: { const: "Linear" }, bias: { type: "boolean", default: true } },
  });
});

test("the whole spec has a JSON Schema under its name, for OpenAPI", () => {
  const schema = z.toJSONSchema(JobSpec, { io: "input" });
  expect(schema.$defs?.["JobSpec"]?.required?.toSorted()).toEqual(["data", "epochs", "loss", "model", "optimizer"]);
});

test("every example in the schemas passes its schema", async () => {
  const { $defs = {} } = z.toJSONSchema(JobSpec, { io: "input" });
  expect($defs["JobSpec"]?.examples).toHaveLength(1);
  for (const example of $defs["JobSpec"]?.examples ?? []) await accepted(example);
  for (const example of $defs["InlineData"]?.examples ?? []) expect(InlineData.parse(example)).toEqual(example);
});
