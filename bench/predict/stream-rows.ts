/** Streams rows through a model, reads the answers as they come, and watches what the service holds meanwhile. */
import { request } from "node:http";
import { Readable } from "node:stream";

const BLOCK = 1000;

/** A line that says how fast it went, and how much memory the API's process had before and at most. */
export async function streamRows(url: string, jobId: string, row: readonly number[], rows: number): Promise<string> {
  const before = await residentBytes(url);
  let most = before;
  const watch = setInterval(() => {
    residentBytes(url).then((now) => {
      most = Math.max(most, now);
    }, console.error);
  }, 250);
  const began = performance.now();
  const answered = await answersTo(`${url}/v1/jobs/${jobId}/predict`, row, rows);
  const seconds = (performance.now() - began) / 1000;
  clearInterval(watch);
  if (answered !== rows) throw new Error(`${rows} rows were sent, ${answered} answered.`);
  const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  return `${rows} rows as a stream: ${Math.round(rows / seconds)} rows/s; the API's process held ${mib(before)} before, ${mib(most)} at most`;
}

function answersTo(url: string, row: readonly number[], rows: number): Promise<number> {
  const block = `${JSON.stringify(row)}\n`.repeat(BLOCK);
  const sent = request(url, { method: "POST", headers: { "content-type": "application/x-ndjson" } });
  Readable.from(Array.from({ length: rows / BLOCK }, () => block)).pipe(sent);
  return new Promise((resolve, reject) => {
    sent.once("error", reject).once("response", (answer) => {
      let lines = 0;
      answer.on("data", (chunk: Buffer) => {
        for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
      });
      answer.once("end", () => resolve(lines)).once("error", reject);
    });
  });
}

async function residentBytes(url: string): Promise<number> {
  const text = await fetch(`${url}/metrics`).then((answer) => answer.text());
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]);
}
