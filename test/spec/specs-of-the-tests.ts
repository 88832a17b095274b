/** Specs that are right, to be spoiled one mistake at a time, and what is known of the data sets they name. */
import { analyseCsv } from "../../src/data/csv/analyse-csv.ts";
import { type CheckContext, checkSpec, type Mistake, type SpecCheck } from "../../src/spec/index.ts";
import { exampleFile } from "../data/sources-of-the-tests.ts";

const known = new Map(["house_votes_84", "iris", "diabetes", "digits"].map((id) => [id, analyseCsv(exampleFile(id))]));

/** The example files are data sets under their own names; `tables` adds others. */
export const context: CheckContext = { dataset: async (id) => (await known.get(id)) ?? null };

/** The main job: the logistic regression of PyTorch's introduction on the congress of 1984. */
export const votes = {
  name: "votes",
  model: { layers: [{ type: "Linear", in_features: 16, out_features: 1 }, { type: "Sigmoid" }] },
  loss: "BCELoss",
  optimizer: { type: "SGD", lr: 0.1, momentum: 0.9 },
  epochs: 50,
  data: { dataset_id: "house_votes_84", target: "Class", preprocess: { map: { y: 1, n: 0, "": 0.5 } } },
  validation: { split: 0.2 },
  metrics: ["accuracy"],
};

/** A classifier of iris with a hidden layer. */
export const iris = {
  model: { layers: [{ type: "Linear", out_features: 8 }, { type: "ReLU" }, { type: "Linear", out_features: 3 }] },
  loss: "CrossEntropyLoss",
  optimizer: "Adam",
  epochs: 3,
  data: { dataset_id: "iris", target: "species", preprocess: { standardize: true } },
};

/** Four samples in the request, two classes. */
export const inline = {
  model: { layers: [{ type: "Linear", out_features: 2 }] },
  loss: "CrossEntropyLoss",
  optimizer: "SGD",
  epochs: 1,
  data: {
    inline: {
      inputs: [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ],
      targets: [0, 1, 1, 0],
    },
  },
};

export const mistakesOf = async (spec: unknown, within: CheckContext = context): Promise<readonly Mistake[]> => {
  const checked = await checkSpec(spec, within);
  return checked.ok ? [] : checked.errors;
};

/** The check of a spec that has to be right; fails with its mistakes. */
export async function accepted(
  spec: unknown,
  within: CheckContext = context,
): Promise<Extract<SpecCheck, { ok: true }>> {
  const checked = await checkSpec(spec, within);
  if (!checked.ok) throw new Error(checked.errors.map(({ path, message }) => `${path}: ${message}`).join("\n"));
  return checked;
}
