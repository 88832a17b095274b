/**
 * The one line that a script can read: `N passed, N failed, N skipped`, always the last that a run prints.
 *
 * A test file that could not load, a hook that threw and an error outside any test count as failed: vitest has no
 * failed test for them, and a summary that only counts tests would call such a run green. A test that held at its second
 * try only has passed, and is named, since nobody would look for it otherwise.
 */
import { writeSync } from "node:fs";
import type { Reporter, SerializedError, TestModule } from "vitest/node";

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

export default class TallyReporter implements Reporter {
  #tally: Tally | undefined;
  #flaky: string[] = [];

  onInit(): void {
    // On exit, because vitest still speaks after the last reporter hook: teardown errors, hanging processes.
    process.once("exit", (code) => {
      for (const name of this.#flaky) writeSync(1, `Held at its second try only: ${name}\n`);
      writeSync(1, `${line(this.#tally, code)}\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    this.#tally = count(modules, unhandledErrors);
    this.#flaky = modules.flatMap((module) =>
      [...module.children.allTests()]
        .filter((test) => test.diagnostic()?.flaky)
        .map((test) => `${module.relativeModuleId} > ${test.fullName}`),
    );
  }
}

function count(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): Tally {
  const tally = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
  for (const module of modules) {
    tally.failed += module.errors().length > 0 ? 1 : 0;
    for (const suite of module.children.allSuites()) tally.failed += suite.errors().length > 0 ? 1 : 0;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      // A test that never got to run ("pending": the run was interrupted) has shown nothing.
      tally[state === "pending" ? "skipped" : state] += 1;
    }
  }
  return tally;
}

/** No tally, or a bad exit without a failed test (a set-up that threw, a broken configuration): one failure. */
function line(tally: Tally | undefined, code: number): string {
  const { passed, failed, skipped } = tally ?? { passed: 0, failed: 0, skipped: 0 };
  const shown = failed === 0 && code !== 0 ? 1 : failed;
  return `${passed} passed, ${shown} failed, ${skipped} skipped`;
}
