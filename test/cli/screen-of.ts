/** What stands on a terminal after all that was written to it: the movements and erasures that this program and readline use. */
export function screenOf(written: string): string[] {
  const rows: string[] = [""];
  let [row, column] = [0, 0];
  const put = (text: string) => {
    const line = (rows[row] ?? "").padEnd(column);
    rows[row] = line.slice(0, column) + text + line.slice(column + text.length);
    column += text.length;
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  for (const [, count, command, plain] of written.matchAll(/\x1b\[\??([\d;]*)([A-Za-z])|([^\x1b])/g)) {
    const n = Number(count || 1);
    if (plain === "\r") column = 0;
    else if (plain === "\n") rows[++row] ??= "";
    else if (plain !== undefined) put(plain);
    else if (command === "A") row = Math.max(0, row - n);
    else if (command === "G") column = n - 1;
    else if (command === "K") rows[row] = count === "2" ? "" : (rows[row] ?? "").slice(0, column);
    else if (command === "J") rows.splice(row, rows.length, (rows[row] ?? "").slice(0, column));
  }
  return rows.map((line) => line.trimEnd());
}
