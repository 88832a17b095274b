/** What a person is told about an error that ended a training. */
import { DataError } from "../data/data-error.ts";
import { OutOfMemoryError } from "../engine/backend.ts";
import { ObjectNotFoundError } from "../jobs/object-store.ts";
import { jobProblems, type Problem } from "../jobs/problem.ts";

export function problemOf(error: unknown): Problem {
  if (error instanceof DataError) {
    return jobProblems.dataMistake(
      error.message,
      error.path === undefined ? undefined : [{ path: error.path, message: error.message }],
    );
  }
  if (error instanceof ObjectNotFoundError && error.key.startsWith("datasets/")) {
    const id = error.key.split("/")[1];
    return jobProblems.dataMistake(
      `The data set ${id} does not exist any more: it was deleted after the job was made.`,
    );
  }
  if (error instanceof OutOfMemoryError) return jobProblems.outOfMemory(error.message);
  if (error instanceof RangeError && /allocation failed|Invalid typed array length|memory/i.test(error.message)) {
    return jobProblems.outOfMemory(
      `The job asked for more memory than there is (${error.message}). Use less data at once, or a smaller model.`,
    );
  }
  return jobProblems.internal(error instanceof Error ? error.message : String(error));
}

/** The thread that trained ended without a last word. */
export function problemOfDeath(error: Error): Problem {
  if ("code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY") {
    return jobProblems.outOfMemory(
      "The thread that trained this job ran out of memory. Use less data at once, or a smaller model.",
    );
  }
  return jobProblems.internal(`The thread that trained this job died: ${error.message}`);
}
