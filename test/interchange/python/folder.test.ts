/** Folders of Python code, for Keras and for PyTorch: what a user called things is text in them, whatever it holds. */
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import fc from "fast-check";
import { strFromU8, unzipSync } from "fflate";
import { expect, test } from "vitest";
import { exportKeras } from "../../../src/interchange/keras/export-keras.ts";
import { exportPyTorch } from "../../../src/interchange/pytorch/export-pytorch.ts";
import { python } from "../../python.ts";
import { trainedFile } from "../layer-cases.ts";

const exporters = [exportKeras, exportPyTorch];
const model = { name: "small", layers: [{ type: "ReLU" }], input: [2] };

const written = (write: typeof exportKeras, path: string, name: string): string =>
  strFromU8(unzipSync(write(trainedFile(model, { name })))[path] ?? new Uint8Array());

/** Answers each source with its docstring, or with why it is no Python: one process for all, since a start is slow. */
const PEER = `
import ast, json, sys
for line in sys.stdin:
    try:
        print(json.dumps(ast.get_docstring(ast.parse(json.loads(line)), False)), flush=True)
    except (SyntaxError, ValueError) as error:
        print(json.dumps({"error": str(error)}), flush=True)
`;

/** What can end a text in Python, or mean something else in it, beside any other characters. */
const character = fc.oneof(
  fc.constantFrom('"', "'", "\\", "\n", "\r", "{", "N", "x", "u", "\0"),
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
);
const names = fc.string({ unit: character, minLength: 1, maxLength: 40 });
const known = ['"', '"""', "\\", 'end\\"""', '"""\nimport os\nos.abort()\n"""', "a\r\nb", "\\N{x}", "\\x", "it's"];

test.skipIf(spawnSync(python, ["--version"]).status !== 0)(
  "model.py is Python, whose docstring holds the job's name, whatever that is",
  async () => {
    const peer = spawn(python, ["-c", PEER], { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
    const docstring = async (source: string): Promise<unknown> => {
      peer.stdin.write(`${JSON.stringify(source)}\n`);
      return JSON.parse((await lines.next()).value ?? "null");
    };
    try {
      await fc.assert(
        fc.asyncProperty(names, async (name) => {
          for (const write of exporters) {
            const found = await docstring(written(write, "model.py", name));
            expect(String(Object(found).error ?? found).split(": trained by epochd")[0]).toBe(name);
          }
        }),
        { examples: known.map((name): [string] => [name]) },
      );
    } finally {
      peer.kill();
    }
  },
);

test("the README's heading is the job's name, on one line", () => {
  const name = "first\n\n    second\r\n# third";
  for (const write of exporters) expect(written(write, "README.md", name)).toMatch(/^# first second # third\n\n/);
});
