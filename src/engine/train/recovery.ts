/** After a loss that is not finite: looks into the step at fault, goes back, and says whether the run goes on from there. */
import type { Device } from "../device.ts";
import type { Parts } from "./assemble.ts";
import { describeDivergence } from "./divergence.ts";
import type { Anomaly, EpochSteps } from "./epoch-steps.ts";
import { inspectStep, type StepFindings } from "./inspect-step.ts";
import type { AnomalyEvent, TrainingPlan } from "./plan.ts";
import type { RestartPoint } from "./restart-point.ts";

/** So often a run goes back: by then it trains at a thousandth of its rate. */
const MOST_ROLLBACKS = 10;

export class Recovery {
  readonly #device: Device;
  readonly #plan: TrainingPlan<unknown>;
  readonly #parts: Parts;
  readonly #steps: EpochSteps;
  readonly #restart: RestartPoint;
  /** How often the run has gone back to go on. */
  rollbacks = 0;

  constructor(
    device: Device,
    plan: TrainingPlan<unknown>,
    parts: Parts,
    run: { readonly steps: EpochSteps; readonly restart: RestartPoint },
  ) {
    this.#device = device;
    this.#plan = plan;
    this.#parts = parts;
    this.#steps = run.steps;
    this.#restart = run.restart;
  }

  /** `epoch`: whole epochs behind the run. Null when `shouldStop` said so before the end. */
  recover(anomaly: Anomaly, epoch: number, shouldStop: () => boolean): AnomalyEvent | null {
    const { rates } = this.#parts;
    const { step, loss } = anomaly;
    const { lr } = rates;
    const findings = this.#inspect(anomaly, shouldStop);
    if (!findings) return null;
    this.#goBack();
    const action = this.#plan.onNonfinite === "rollback" && this.rollbacks < MOST_ROLLBACKS ? "rollback" : "stop";
    if (action === "rollback") {
      this.rollbacks++;
      rates.change(this.#steps.step, rates.base / 2);
    }
    const wentOnFrom = this.#steps.cursor > 0 ? this.#steps.step : null;
    const message = describeDivergence({ epoch, step, loss, lr, wentOnFrom, layer: findings.layer, action });
    const back = { epoch, step: this.#steps.step };
    return { type: "anomaly", epoch: epoch + 1, step, message, ...findings, loss, action, back, lr: rates.base };
  }

  /** The same steps again, up to the one at fault: what was before it is needed, and only what follows from it is there. */
  #inspect({ step, batches }: Anomaly, shouldStop: () => boolean): StepFindings | null {
    this.#goBack();
    while (this.#steps.step < step - 1) {
      if (shouldStop()) return null;
      this.#steps.run(step - 1 - this.#steps.step);
    }
    const types = this.#plan.layers.map(({ type }) => type);
    return inspectStep(this.#device, this.#parts, this.#steps.nextSizes().slice(0, batches), types);
  }

  #goBack(): void {
    this.#steps.goTo(this.#restart.putBack());
  }
}
