/**
 * Property tests draw the same cases in every run, so that a failure says something about the change at hand.
 * EPOCHD_PROPERTY_SEED=N draws others.
 */
import { env } from "node:process";
import fc from "fast-check";

fc.configureGlobal({ seed: Number(env["EPOCHD_PROPERTY_SEED"] ?? 1) });
