/** A Python of this machine that runs one of the scripts in scripts/fixtures, and answers in lines of JSON. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "vitest";
import { z } from "zod";
import { python } from "../python.ts";

const run = promisify(execFile);

/** The answers, or why there are none: no such Python, or one without the libraries. */
export async function askPython(script: string, ...args: readonly string[]): Promise<unknown[] | string> {
  const path = fileURLToPath(new URL(`../../scripts/fixtures/${script}`, import.meta.url));
  try {
    const { stdout } = await run(python, [path, ...args], { maxBuffer: 2 ** 28 });
    const [hello, ...answers] = stdout
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    const { error, ...versions } = Object(hello);
    if (error !== undefined) return `${python}: ${error}. PYTHON names another.`;
    console.log(`${script}: ${JSON.stringify(versions)}`);
    return answers;
  } catch (error) {
    if (Object(error).code === "ENOENT") return `There is no ${python}. PYTHON names another.`;
    throw error;
  }
}

/** A model in a file, and what it is asked. */
export interface FileCase {
  readonly name: string;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly [given: string]: unknown;
}

/** Answers about files, one for each case by its name; or why there are none, for whom the test is skipped. */
export async function askAbout<T extends { readonly name: string }>(
  script: string,
  cases: readonly FileCase[],
  answer: z.ZodType<T>,
  skip: (why: string) => never,
): Promise<T[]> {
  const folder = mkdtempSync(join(tmpdir(), "epochd-files-"));
  try {
    for (const { files } of cases)
      for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    writeFileSync(join(folder, "cases.json"), JSON.stringify(cases.map(({ files: _, ...given }) => given)));
    const answers = await askPython(script, folder);
    if (typeof answers === "string") {
      console.log(`${script} is not asked: ${answers}`);
      return skip(answers);
    }
    const found = z.array(answer).parse(answers);
    expect(found.map(({ name }) => name)).toEqual(cases.map(({ name }) => name));
    return found;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
