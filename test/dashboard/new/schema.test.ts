/** The forms read the catalogue's own schemas, and a spec under edit changes where it is told to. */
import { expect, test } from "vitest";
import { nameOf, valueAt, withValue } from "../../../src/dashboard/new/json.ts";
import { fieldsOf } from "../../../src/dashboard/new/schema.ts";
import { catalogue } from "../../../src/spec/index.ts";

const all = catalogue();
const fieldOf = (type: string, name: string) => {
  const entry = [...all.layers, ...all.optimizers].find((known) => known.type === type);
  return fieldsOf(entry?.schema ?? {}).find((field) => field.name === name);
};

test("what must be given comes first, and what has a default shows it", () => {
  const [first] = fieldsOf(all.layers.find(({ type }) => type === "Linear")?.schema ?? {}, ["type"]);
  expect(first).toMatchObject({ name: "out_features", required: true, kind: { type: "number", whole: true } });
  expect(fieldOf("Linear", "bias")).toMatchObject({ required: false, standard: true, kind: { type: "flag" } });
  expect(fieldOf("Conv2d", "kernel_size")).toMatchObject({ required: true, kind: { type: "numbers" } });
  expect(fieldOf("Conv2d", "padding_mode")?.kind).toMatchObject({
    type: "choice",
    of: expect.arrayContaining(["reflect"]),
  });
});

test("every field of everything in the catalogue is one that a form can show", () => {
  const schemas = [...all.layers, ...all.losses, ...all.optimizers, ...all.schedulers].map(({ schema }) => schema);
  for (const schema of [...schemas, all.settings_schema, all.preprocess_schema]) {
    for (const { kind } of fieldsOf(schema)) {
      expect(["flag", "number", "text", "choice", "numbers", "json"]).toContain(kind.type);
    }
  }
});

test("a change is made where it belongs, and leaves the rest alone", () => {
  const spec = { model: { layers: [{ type: "Linear", out_features: 2 }] }, epochs: 1 };
  const path = ["model", "layers", 0, "out_features"];
  const changed = withValue(spec, path, 3);
  expect(valueAt(changed, path)).toBe(3);
  expect(valueAt(spec, path)).toBe(2);
  expect(withValue(changed, path, undefined)).toEqual({ model: { layers: [{ type: "Linear" }] }, epochs: 1 });
  expect(JSON.stringify(withValue(spec, ["model"], 1))).toBe('{"model":1,"epochs":1}');
  expect(nameOf(path)).toBe("model.layers[0].out_features");
});
