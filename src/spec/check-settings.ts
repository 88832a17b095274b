/** Everything of a spec that is a plain setting, and what the settings watch: metrics and early stopping. */
import { nearest } from "../data/nearest-name.ts";
import { type LossDefinition, metrics, metricTables } from "../engine/definitions.ts";
import { type EarlyStopping, JobSettings, JobSpec } from "./job-spec.ts";
import { joinPath, type Mistakes, parseOr, unknownField } from "./mistakes.ts";

export function checkSettings(input: Readonly<Record<string, unknown>>, mistakes: Mistakes): JobSettings | undefined {
  const known = Object.keys(JobSpec.shape);
  for (const name of Object.keys(input)) {
    if (!known.includes(name)) mistakes.add(joinPath("", name), () => unknownField(name, known));
  }
  const settings = Object.fromEntries(Object.entries(input).filter(([name]) => Object.hasOwn(JobSettings.shape, name)));
  if (settings["device"] === "gpu") {
    mistakes.add("device", '"gpu" is not there yet; use "cpu", or "auto" for the best there is');
    delete settings["device"];
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
  if (settings.early_stopping) checkMonitor(settings.early_stopping.monitor, settings, hasValue(validation), mistakes);
}

/** With `mode` filled in: errors and losses go down, everything else up. */
export function completeEarlyStopping(given: EarlyStopping | null): EarlyStopping | null {
  if (given === null) return null;
  const name = given.monitor.replace(/^val_/, "");
  const goesDown = name === "loss" || metrics.get(name)?.from === "residuals";
  return { ...given, mode: given.mode ?? (goesDown && name !== "r2" ? "min" : "max") };
}

function unsuited(name: string, loss: LossDefinition): string | undefined {
  const tables = metricTables(loss);
  const suited = [...metrics.values()].filter(({ from }) => tables.includes(from)).map((metric) => metric.name);
  if (suited.includes(name)) return undefined;
  const others = suited.length > 0 ? `it goes with ${suited.join(", ")}` : "no metric can";
  return `"${name}" can't be computed with ${loss.type}; ${others}`;
}

function checkMonitor(monitor: string, settings: JobSettings, hasValidation: boolean, mistakes: Mistakes): void {
  const path = "early_stopping.monitor";
  const watchable = ["loss", ...settings.metrics].flatMap((name) => (hasValidation ? [name, `val_${name}`] : [name]));
  if (watchable.includes(monitor)) return;
  if (monitor.startsWith("val_") && !hasValidation) {
    mistakes.add(path, `"${monitor}" needs validation data: add "validation", such as { "split": 0.2 }`);
    return;
  }
  const near = nearest(monitor, watchable) || `; there are ${watchable.join(", ")} (add others to "metrics")`;
  mistakes.add(path, `"${monitor}" is not computed in this job${near}`);
}

const hasValue = (given: unknown): boolean => given !== undefined && given !== null;
