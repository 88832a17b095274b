/** Work after which hundreds of megabytes would stay behind: done in a process of its own, which ends with it. */
import { fork } from "node:child_process";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

interface Answer {
  readonly result?: unknown;
  readonly error?: string;
}

/** What the module at `url` makes of the order; it calls {@link answerOrders}. Throws with the words of what went wrong there. */
export function inOwnProcess(url: string, order: object): Promise<unknown> {
  const name = basename(url);
  return new Promise((done, failed) => {
    const child = fork(fileURLToPath(url), { serialization: "advanced", execArgv: [] });
    child.once("message", ({ result, error }: Answer) => {
      if (error === undefined) done(result);
      else failed(new Error(error));
    });
    child.once("error", failed);
    child.once("exit", (code, signal) => failed(new Error(`${name} ended with ${signal ?? `code ${code}`}.`)));
    child.send(order, (error) => error && failed(error));
  });
}

/** For the module whose url this is: does the work if it is the one that this process runs, and nothing if it was imported. */
export function answerOrders(url: string, work: (order: unknown) => Promise<unknown>): void {
  if (process.argv[1] !== fileURLToPath(url)) return;
  // Whoever asked is gone.
  process.once("disconnect", () => process.exit());
  process.once("message", async (order) => {
    const answer: Answer = await work(order).then(
      (result) => ({ result }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    );
    process.send?.(answer, () => process.exit());
  });
}
