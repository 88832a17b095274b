/**
 * What a page tells its readers to do, in order. A fenced block is
 *
 *   ```json spec.json     a file with that name, of whatever kind
 *   ```sh                 commands
 *   ```console            commands behind "$ " (and "> "), each with what it prints
 *
 * and nothing else, so that no page shows what nobody tried. In what is printed "…" stands for anything, and an indented
 * line goes on with the one before. What a block takes beyond the project stands before it:
 *
 *   <!-- needs torch, safetensors -->
 */
interface Placed {
  readonly line: number;
  /** Names of modules of Python, or of what the reader's machine has. */
  readonly needs: readonly string[];
}

export interface FileBlock extends Placed {
  readonly kind: "file";
  readonly name: string;
  readonly content: string;
}

export interface CommandBlock extends Placed {
  readonly kind: "command";
  readonly command: string;
  /** Null where nothing is said of it. */
  readonly output: string | null;
}

export type Block = FileBlock | CommandBlock;

export function snippetsOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? "";
    if (/^ {4}/.test(line) && lines[i - 1] === "")
      throw new Error(`Line ${i + 1}: a block without a fence is not run.`);
    if (!line.startsWith("```")) continue;
    const end = lines.indexOf("```", i + 1);
    if (end < 0) throw new Error(`Line ${i + 1}: the block has no end.`);
    blocks.push(...blocksOf(line.slice(3), lines.slice(i + 1, end), { line: i + 2, needs: neededBy(lines, i) }));
    i = end;
  }
  return blocks;
}

function neededBy(lines: readonly string[], at: number): string[] {
  const before = lines.slice(0, at).findLast((line) => line !== "") ?? "";
  return /^<!-- needs (.+) -->$/.exec(before)?.[1]?.split(", ") ?? [];
}

function blocksOf(kind: string, content: readonly string[], placed: Placed): Block[] {
  const [language, name] = kind.split(" ");
  if (name) return [{ kind: "file", name, content: `${content.join("\n")}\n`, ...placed }];
  if (language === "sh") return [{ kind: "command", command: content.join("\n"), output: null, ...placed }];
  if (language === "console") return commandsIn(content, placed);
  throw new Error(
    `Line ${placed.line - 1}: "${kind}" is neither a file with a name nor sh nor console; nothing runs it.`,
  );
}

function commandsIn(lines: readonly string[], { line: first, needs }: Placed): CommandBlock[] {
  const commands: { line: number; command: string[]; output: string[] }[] = [];
  for (const [i, line] of lines.entries()) {
    const last = commands.at(-1);
    if (line.startsWith("$ ")) commands.push({ line: first + i, command: [line.slice(2)], output: [] });
    else if (!last) throw new Error(`Line ${first + i}: a console begins with a command.`);
    else if (line.startsWith("> ") && last.output.length === 0) last.command.push(line.slice(2));
    else last.output.push(line);
  }
  return commands.map(({ line, command, output }) => ({
    kind: "command",
    line,
    needs,
    command: command.join("\n"),
    output: output.join("\n"),
  }));
}

/** Whether a program printed what a page shows. */
export function matches(printed: string, shown: string): boolean {
  const literally = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = shown
    .trim()
    .split("…")
    .map((part) => part.split(/\n\s+/).map(literally).join("\\s*"))
    .join("[\\s\\S]*");
  return new RegExp(`^${pattern}$`).test(printed.trim());
}
