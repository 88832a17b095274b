/** What a target asks of the loss and of the last layer, where the draft says otherwise. */
import type { DatasetColumn } from "../service/datasets.ts";
import { type JsonObject, listIn, objectIn, valueAt, withValue } from "./json.ts";

export interface Suggestion {
  readonly why: string;
  readonly action: string;
  readonly spec: JsonObject;
}

/** Whole numbers up to so many are taken for classes. */
const MOST_CLASSES = 20;

/** Null where loss and last layer suit the target, or nothing can be said. */
export function suggestNetwork(spec: JsonObject, target: DatasetColumn): Suggestion | null {
  const layers = listIn(valueAt(spec, ["model", "layers"]));
  const last = layers.findLastIndex((layer) => objectIn(layer)["type"] === "Linear");
  if (last < 0) return null;
  const classes = classesOf(target);
  if (target.shape !== undefined || (target.dtype === "string" && classes === null)) return null;
  const [loss, outputs] = classes === null ? ["MSELoss", 1] : ["CrossEntropyLoss", classes];
  const given = spec["loss"];
  const type = typeof given === "string" ? given : objectIn(given)["type"];
  const has = objectIn(layers[last])["out_features"];
  const isRegression = type !== undefined && !/Entropy|NLL|BCE|Margin/.test(String(type));
  if (classes === null ? isRegression && has === outputs : type === loss && has === outputs) return null;
  const kind = classes === null ? "numbers" : `${classes} classes`;
  const metrics = classes === null ? ["r2", "mae"] : ["accuracy", "confusion_matrix"];
  const changed = [
    [["loss"], loss],
    [["model", "layers", last, "out_features"], outputs],
    [["metrics"], metrics],
  ] as const;
  return {
    why: `The target "${target.name}" holds ${kind}.`,
    action: `Use ${loss} and ${outputs === 1 ? "one output" : `${outputs} outputs`}`,
    spec: objectIn(changed.reduce<unknown>((value, [path, part]) => withValue(value, path, part), spec)),
  };
}

function classesOf({ dtype, categories, min, max }: DatasetColumn): number | null {
  if (dtype === "string") return categories?.length ?? null;
  if (dtype === "boolean") return 2;
  return dtype === "integer" && min !== null && min >= 0 && max !== null && max < MOST_CLASSES ? max + 1 : null;
}
