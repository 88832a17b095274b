/** Everything that a job's spec may name, as definitions. Reading them needs no device. */
export { losses } from "./losses/index.ts";
export { type MetricDefinition, MOST_TABLE_CLASSES, metrics, metricTables } from "./metrics/index.ts";
export type { LayerDefinition, LossDefinition, Mistake, ResolvedLayer, TargetInfo } from "./nn/definition.ts";
export { type LayerSpec, layerSchema, layers } from "./nn/index.ts";
export type { ParameterSpec } from "./nn/parameter.ts";
export { type OptimizerDefinition, optimizers } from "./optim/index.ts";
export { type SchedulerDefinition, schedulers } from "./schedulers/index.ts";
export { elementCount, type Shape, ShapeError, sameShape, showShape } from "./shape.ts";
export type { Change, PlannedChange } from "./train/change-queue.ts";
export type {
  Best,
  EarlyStoppingPlan,
  Examples,
  ExpectedExamples,
  ProbePlan,
  SchedulerPlan,
  TrainingPlan,
  Typed,
} from "./train/plan.ts";
