/** How many rows train and validate, and whether that leaves anything to do. */
import { grouped } from "../data/data-error.ts";
import type { ValidationSpec } from "../data/data-spec.ts";
import { validationRows } from "../data/prepare-data.ts";
import type { DataFacts } from "./data-facts.ts";
import type { JobSettings } from "./job-spec.ts";
import type { Mistakes } from "./mistakes.ts";

export function checkSplit(
  data: DataFacts | undefined,
  validation: ValidationSpec | null | undefined,
  settings: JobSettings | undefined,
  mistakes: Mistakes,
): void {
  if (data === undefined) return;
  const { trainRows, validationRows: held } = countRows(data, validation ?? null, undefined);
  if (validation && "split" in validation && (held === 0 || trainRows === 0)) {
    const what = held === 0 ? "no row for validation" : "no row to train on";
    mistakes.add("validation.split", `${validation.split} of ${grouped(data.rows)} rows leaves ${what}`);
    return;
  }
  if (settings?.drop_last && trainRows < settings.batch_size) {
    mistakes.add(
      "batch_size",
      `${grouped(settings.batch_size)} is more than the ${grouped(trainRows)} rows to train on, and drop_last leaves out ` +
        "the only batch; use a smaller batch_size",
    );
  }
}

export function countRows(
  data: DataFacts,
  validation: ValidationSpec | null,
  validationFacts: DataFacts | undefined,
): { trainRows: number; validationRows: number } {
  if (validation === null) return { trainRows: data.rows, validationRows: 0 };
  if (!("split" in validation)) return { trainRows: data.rows, validationRows: validationFacts?.rows ?? 0 };
  const held = validationRows(data.rows, validation.split);
  return { trainRows: data.rows - held, validationRows: held };
}
