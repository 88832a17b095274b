/** What a model is asked, as it was sent: rows in one JSON body, or one row in each line. */
import { z } from "zod";
import { decodeUtf8, parseJson } from "../json-body.ts";
import { findJsonMistake } from "../json-mistake.ts";
import { ProblemError, summarise } from "../problems.ts";
import { mistakesOf } from "../request-checks.ts";

export const PredictRequest = z
  .strictObject(
    {
      inputs: z
        .array(z.unknown(), {
          error: ({ input }) =>
            input === undefined ? "is missing: expects an array of rows" : "expects an array of rows",
        })
        .min(1, "expects at least one row")
        .describe(
          "Rows as they were in training, before preprocessing: arrays in feature order, or objects by column name.",
        ),
    },
    { error: 'expects an object such as { "inputs": [[…], …] }' },
  )
  .meta({
    id: "PredictRequest",
    examples: [{ inputs: [["y", "n", "y", ""]] }, { inputs: [{ sepal_length: 5.1, sepal_width: 3.5 }] }],
  });

/** Throws ProblemError. */
export function readJsonRows(bytes: Uint8Array): readonly unknown[] {
  const body = parseJson(bytes);
  if (body === undefined)
    throw new ProblemError("invalid-inputs", 'The body is empty. Send { "inputs": [[…], …] } as JSON.');
  const read = PredictRequest.safeParse(body);
  if (read.success) return read.data.inputs;
  const mistakes = mistakesOf(read.error, PredictRequest);
  throw new ProblemError("invalid-inputs", summarise(mistakes, "the body"), { errors: mistakes });
}

export interface Lines {
  readonly rows: readonly unknown[];
  /** The number of the line in which each row stands. */
  readonly numbers: readonly number[];
}

/** Whole lines, the first of which is number `first` of the body; empty ones are passed over. Throws ProblemError. */
export function readLines(bytes: Uint8Array, first: number): Lines {
  const rows: unknown[] = [];
  const numbers: number[] = [];
  for (const [i, line] of decodeUtf8(bytes).split("\n").entries()) {
    if (line.trim() === "") continue;
    rows.push(readLine(line, first + i));
    numbers.push(first + i);
  }
  return { rows, numbers };
}

function readLine(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    const mistake = findJsonMistake(line);
    const where = `line ${number}${mistake ? `, column ${mistake.column}` : ""}`;
    const message = mistake?.message ?? String(cause);
    throw new ProblemError("invalid-inputs", `The body is not newline-delimited JSON. At ${where}: ${message}.`, {
      errors: [{ path: where, message }],
      cause,
    });
  }
}
