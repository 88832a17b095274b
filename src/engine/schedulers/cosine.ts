/** Cosine annealing, once or with restarts (Loshchilov & Hutter 2017). */
import { z } from "zod";
import { defineScheduler } from "./definition.ts";

const etaMin = z.number().min(0).default(0).describe("The smallest rate");

/** From `from` at 0 to `to` at 1, along half a cosine. */
export const cosineBetween = (from: number, to: number, share: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;

/** Rises again after T_max, as PyTorch's does. */
export const cosineAnnealingLR = defineScheduler({
  type: "CosineAnnealingLR",
  summary: "From the optimizer's rate to eta_min along half a cosine of T_max epochs",
  args: z.strictObject({ T_max: z.int().min(1), eta_min: etaMin }),
  create:
    (a, { baseLr }) =>
    (t) => ({ lr: cosineBetween(baseLr, a.eta_min, t / a.T_max) }),
});

export const cosineAnnealingWarmRestarts = defineScheduler({
  type: "CosineAnnealingWarmRestarts",
  summary: "Cosine annealing that starts anew after T_0 epochs, and after T_mult times as many each time",
  args: z.strictObject({ T_0: z.int().min(1), T_mult: z.int().min(1).default(1), eta_min: etaMin }),
  create:
    (a, { baseLr }) =>
    (t) => {
      let start = 0;
      let length = a.T_0;
      if (a.T_mult === 1) start = t - (t % length);
      else {
        while (t >= start + length) {
          start += length;
          length *= a.T_mult;
        }
      }
      return { lr: cosineBetween(baseLr, a.eta_min, (t - start) / length) };
    },
});
