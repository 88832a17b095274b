/** Everything of a spec that is a plain setting, and what the settings watch: metrics and early stopping. */
import { nearest } from "../data/nearest-name.ts";
import { type LossDefinition, MOST_TABLE_CLASSES, metrics, metricTables, type Shape } from "../engine/definitions.ts";
import { type EarlyStopping, type JobPatch, JobSettings, JobSpec, type SpecChange } from "./job-spec.ts";
import { joinPath, type Mistakes, parseOr, unknownField } from "./mistakes.ts";

export function checkSettings(input: Readonly<Record<string, unknown>>, mistakes: Mistakes): JobSettings | undefined {
  const known = Object.keys(JobSpec.shape);
  for (const name of Object.keys(input)) {
    if (!known.includes(name)) mistakes.add(joinPath("", name), () => unknownField(name, known));
  }
  const settings = Object.fromEntries(Object.entries(input).filter(([name]) => Object.hasOwn(JobSettings.shape, name)));
  if (settings["device"] === "gpu" && settings["numerics"] === "strict") {
    mistakes.add(
      "numerics",
      '"strict" gives the same bits on every CPU, but not on a GPU; use "fast", or device "cpu"',
    );
  }
  return parseOr(JobSettings, settings, "", mistakes, { epochs: 1 });
}

/** Metrics that the loss has no table for, and early stopping on what is not computed. */
export function checkWatched(
  settings: JobSettings | undefined,
  loss: LossDefinition | undefined,
  validation: unknown,
  mistakes: Mistakes,
): void {
  if (settings === undefined) return;
  const seen = new Set<string>();
  settings.metrics.forEach((name, i) => {
    const why = loss && unsuited(name, loss);
    if (why) mistakes.add(joinPath("metrics", i), why);
    if (seen.has(name)) mistakes.add(joinPath("metrics", i), `"${name}" is named twice`);
    seen.add(name);
  });
  const hasValidation = hasValue(validation);
  if (settings.early_stopping)
    checkMonitor(settings.early_stopping.monitor, settings, hasValidation, "early_stopping.monitor", mistakes);
  settings.changes.forEach(({ early_stopping }, i) => {
    const path = joinPath("changes", i, "early_stopping", "monitor");
    if (early_stopping) checkMonitor(early_stopping.monitor, settings, hasValidation, path, mistakes);
  });
  const disorder = settings.changes.findIndex((change, i) => i > 0 && comesBefore(change, settings.changes[i - 1]));
  if (disorder > 0)
    mistakes.add(joinPath("changes", disorder), "comes before the change above it; put them into order");
}

/** What an accepted job is asked to watch now; gives the wish with its early stopping complete. */
export function checkPatch(
  patch: JobPatch,
  spec: Pick<JobSettings, "metrics"> & { readonly validation?: unknown },
  mistakes: Mistakes,
): JobPatch {
  const { early_stopping } = patch;
  if (!early_stopping) return patch;
  checkMonitor(early_stopping.monitor, spec, hasValue(spec.validation), "early_stopping.monitor", mistakes);
  return { ...patch, early_stopping: completeEarlyStopping(early_stopping) };
}

const comesBefore = (change: SpecChange, other: SpecChange | undefined): boolean =>
  other !== undefined &&
  (change.rollbacks < other.rollbacks || (change.rollbacks === other.rollbacks && change.step < other.step));

/** Early stopping with every default, as a spec keeps it and an event tells it. */
export const completeChanges = (changes: readonly SpecChange[]): SpecChange[] =>
  changes.map((change) =>
    change.early_stopping ? { ...change, early_stopping: completeEarlyStopping(change.early_stopping) } : change,
  );

/** With `mode` filled in: errors and losses go down, everything else up. */
export function completeEarlyStopping(given: EarlyStopping | null): EarlyStopping | null {
  if (given === null) return null;
  const name = given.monitor.replace(/^val_/, "");
  const goesDown = name === "loss" || metrics.get(name)?.from === "residuals";
  return { ...given, mode: given.mode ?? (goesDown && name !== "r2" ? "min" : "max") };
}

/** Metrics that are tables, of more classes than anyone reads. */
export function checkTables(
  settings: JobSettings | undefined,
  loss: LossDefinition | undefined,
  output: Shape,
  mistakes: Mistakes,
): void {
  const classes = loss?.targets === "index" ? (output[0] ?? 1) : 2;
  settings?.metrics.forEach((name, i) => {
    const isTable = metrics.get(name)?.compute === undefined;
    if (!isTable || classes <= MOST_TABLE_CLASSES) return;
    mistakes.add(
      joinPath("metrics", i),
      `"${name}" is told for at most ${MOST_TABLE_CLASSES} classes, and there are ${classes}`,
    );
  });
}

function unsuited(name: string, loss: LossDefinition): string | undefined {
  const tables = metricTables(loss);
  const suited = [...metrics.values()].filter(({ from }) => tables.includes(from)).map((metric) => metric.name);
  if (suited.includes(name)) return undefined;
  const others = suited.length > 0 ? `it goes with ${suited.join(", ")}` : "no metric can";
  return `"${name}" can't be computed with ${loss.type}; ${others}`;
}

/** Whether there is such a figure in each epoch of a job. */
export function checkMonitor(
  monitor: string,
  settings: Pick<JobSettings, "metrics">,
  hasValidation: boolean,
  path: string,
  mistakes: Mistakes,
): void {
  const figures = settings.metrics.filter((name) => metrics.get(name)?.compute);
  const watchable = ["loss", ...figures].flatMap((name) => (hasValidation ? [name, `val_${name}`] : [name]));
  if (watchable.includes(monitor)) return;
  if (monitor.startsWith("val_") && !hasValidation) {
    mistakes.add(path, `"${monitor}" needs validation data: add "validation", such as { "split": 0.2 }`);
    return;
  }
  const near = nearest(monitor, watchable) || `; there are ${watchable.join(", ")} (add others to "metrics")`;
  mistakes.add(path, `"${monitor}" is not computed in this job${near}`);
}

const hasValue = (given: unknown): boolean => given !== undefined && given !== null;
