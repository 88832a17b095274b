/** Files that a person keeps: fetched with the key, which a plain link could not carry. */
import { fetchWithKey } from "./client.ts";

export async function fetchFile(path: string, name: string): Promise<void> {
  const response = await fetchWithKey(path, {});
  saveFile(await response.blob(), name);
}

export function saveFile(contents: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(contents);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
