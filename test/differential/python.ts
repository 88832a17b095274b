/** A Python of this machine that runs one of the scripts in scripts/fixtures, and answers in lines of JSON. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const python = process.env["PYTHON"] ?? "python3";

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
