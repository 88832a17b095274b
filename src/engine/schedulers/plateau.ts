/** ReduceLROnPlateau: the one scheduler that looks at how the training goes. */
import { z } from "zod";

export const plateauArgs = z.strictObject({
  mode: z.enum(["min", "max"]).default("min"),
  factor: z.number().gt(0).lt(1).default(0.1),
  patience: z.int().min(0).default(10),
  threshold: z.number().min(0).default(1e-4),
  threshold_mode: z.enum(["rel", "abs"]).default("rel"),
  cooldown: z.int().min(0).default(0),
  min_lr: z.number().min(0).default(0),
  eps: z.number().min(0).default(1e-8),
});

/** Everything that a checkpoint must keep of it. */
export interface PlateauState {
  readonly lr: number;
  readonly best: number | null;
  readonly badEpochs: number;
  readonly cooldown: number;
}

export class Plateau {
  state: PlateauState;
  readonly #args: z.output<typeof plateauArgs>;

  constructor(args: z.output<typeof plateauArgs>, baseLr: number) {
    this.#args = args;
    this.state = { lr: baseLr, best: null, badEpochs: 0, cooldown: 0 };
  }

  static of(given: unknown, baseLr: number): Plateau {
    return new Plateau(plateauArgs.parse(given), baseLr);
  }

  /** After each epoch, with the value that is watched; `state.lr` is the rate from now on. */
  observe(value: number): void {
    const { factor, patience, min_lr, eps } = this.#args;
    let { lr, best, badEpochs, cooldown } = this.state;
    if (this.#isBetter(value, best)) {
      best = value;
      badEpochs = 0;
    } else badEpochs++;
    if (cooldown > 0) {
      cooldown--;
      badEpochs = 0;
    }
    if (badEpochs > patience) {
      const reduced = Math.max(lr * factor, min_lr);
      if (lr - reduced > eps) lr = reduced;
      cooldown = this.#args.cooldown;
      badEpochs = 0;
    }
    this.state = { lr, best, badEpochs, cooldown };
  }

  #isBetter(value: number, best: number | null): boolean {
    if (best === null) return true;
    const { mode, threshold, threshold_mode } = this.#args;
    const margin = threshold_mode === "rel" ? best * threshold : threshold;
    return mode === "min" ? value < best - margin : value > best + margin;
  }
}
