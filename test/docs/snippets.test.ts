/** How pages are read: what is run of them, and that nothing in them escapes. */
import { expect, test } from "vitest";
import { matches, snippetsOf } from "./snippets.ts";

const page = (...lines: string[]): string => lines.join("\n");

test("files, commands, and consoles with what they print", () => {
  const blocks = snippetsOf(
    page(
      ...["```json a.json", "{}", "```", "", "<!-- needs torch, unzip -->", "```console"],
      ...["$ echo 1 \\", "> 2", "1 2", "$ true", "```", "```sh", "ls", "```"],
    ),
  );
  expect(blocks).toEqual([
    { kind: "file", line: 2, needs: [], name: "a.json", content: "{}\n" },
    { kind: "command", line: 7, needs: ["torch", "unzip"], command: "echo 1 \\\n2", output: "1 2" },
    { kind: "command", line: 10, needs: ["torch", "unzip"], command: "true", output: "" },
    { kind: "command", line: 13, needs: [], command: "ls", output: null },
  ]);
});

test.each([
  ["a block that nothing would run", ["```json", "{}", "```"], /Line 1: "json" is neither/],
  ["a block without a fence", ["Then", "", "    npm start"], /Line 3: a block without a fence/],
  ["a block without an end", ["```sh", "ls"], /Line 1: the block has no end/],
  ["a console that begins with an answer", ["```console", "1", "```"], /Line 2: a console begins/],
])("%s is a mistake", (_, lines, message) => {
  expect(() => snippetsOf(page(...lines))).toThrow(message);
});

test("what is printed is as shown, but for what an ellipsis leaves open and where lines are folded", () => {
  expect(matches('{"id":"a1","n":2}\n', '{"id":"…",\n  "n":2}')).toBe(true);
  expect(matches("[1.5]", "[1.5]")).toBe(true);
  expect(matches("[105]", "[1.5]")).toBe(false);
  expect(matches("a\nb", "a")).toBe(false);
  expect(matches("ab", "a\nb")).toBe(false);
});
