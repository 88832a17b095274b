/**
 * What a guide tells its readers to do, in order. A fenced block is
 *
 *   ```json spec.json     a file with that name, of whatever kind
 *   ```sh                 commands
 *   ```console            commands behind "$ " (and "> "), each with what it prints; "…" stands for anything
 *
 * Blocks of other kinds are for looking at.
 */
export interface FileBlock {
  readonly kind: "file";
  readonly line: number;
  readonly name: string;
  readonly content: string;
}

export interface CommandBlock {
  readonly kind: "command";
  readonly line: number;
  readonly command: string;
  /** Null where nothing is said of it. */
  readonly output: string | null;
}

export type Block = FileBlock | CommandBlock;

export function snippetsOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const opening = /^```(\S+)(?: (\S+))?$/.exec(lines[i] ?? "");
    if (!opening) continue;
    const end = lines.indexOf("```", i + 1);
    if (end < 0) throw new Error(`The block in line ${i + 1} has no end.`);
    const content = lines.slice(i + 1, end);
    const [, language = "", name] = opening;
    if (name) blocks.push({ kind: "file", line: i + 1, name, content: `${content.join("\n")}\n` });
    else if (language === "sh")
      blocks.push({ kind: "command", line: i + 2, command: content.join("\n"), output: null });
    else if (language === "console") blocks.push(...commandsIn(content, i + 2));
    i = end;
  }
  return blocks;
}

function commandsIn(lines: readonly string[], first: number): CommandBlock[] {
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
    command: command.join("\n"),
    output: output.join("\n"),
  }));
}

/** Whether a program printed what a guide shows. */
export function matches(printed: string, shown: string): boolean {
  const literally = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = shown.trim().split("…").map(literally).join("[\\s\\S]*");
  return new RegExp(`^${pattern}$`).test(printed.trim());
}
