/** `?format=`: one of a few names; another gets a 400 that lists them. */
import { z } from "zod";
import { nearest } from "../../data/nearest-name.ts";

export function formatParameter<const T extends readonly [string, ...string[]]>(formats: T, standard: T[number]) {
  return oneOf(formats).default(standard).describe("How the answer is written.");
}

export function oneOf<const T extends readonly [string, ...string[]]>(names: T) {
  return z.enum(names, {
    error: ({ input }) =>
      typeof input === "string"
        ? `expects one of ${names.join(", ")}, got ${JSON.stringify(input)}${nearest(input, names)}`
        : "is given twice; once is enough",
  });
}
