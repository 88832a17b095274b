/** Argument types that the optimizers share. */
import { z } from "zod";

export const learningRate = z.number().min(0);
export const weightDecay = z.number().min(0);
export const beta = z.number().min(0).lt(1);
export const maximize = z.boolean().default(false).describe("Go uphill instead of down");
