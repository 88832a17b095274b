/** The files of a multipart/form-data body, one after the other, as they come in. */
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import type { UploadedFile } from "../jobs/dataset-store.ts";
import { ProblemError } from "./problems.ts";

const MAX_FILES = 100;
/** Field names that say nothing: such a file is called as it is on its sender's disk. */
const PLAIN_NAMES = new Set(["", "file", "files", "file[]", "files[]", "data", "upload"]);

/** Each is to be read before the next is asked for. Throws ProblemError for a body that is no such form. */
export async function* multipartFiles(headers: IncomingHttpHeaders, body: Readable): AsyncGenerator<UploadedFile> {
  const form = openForm(headers);
  const waiting: UploadedFile[] = [];
  let [count, ended] = [0, false];
  let reading: Readable | undefined;
  let problem: ProblemError | undefined;
  let news = Promise.withResolvers<void>();
  const fail = (error: unknown): void => {
    problem ??= asProblem(error);
    reading?.destroy(problem);
    news.resolve();
  };
  form.on("error", fail);
  body.on("error", fail);
  form.on("filesLimit", () => fail(malformed(`The form holds more than ${MAX_FILES} files.`)));
  form.on("field", (name) =>
    fail(malformed(`The form's field ${JSON.stringify(name)} is no file; expected files only.`)),
  );
  form.on("finish", () => {
    ended = true;
    news.resolve();
  });
  form.on("file", (field, stream, fileName, _encoding, mediaType) => {
    count += 1;
    reading = stream;
    // Told to whoever reads it; until somebody does, nobody must fall over it.
    stream.on("error", () => {});
    waiting.push({
      name: columnName(field, fileName),
      fileName: fileName ?? "",
      mediaType,
      content: contentOf(stream),
    });
    news.resolve();
  });
  body.pipe(form);
  try {
    for (;;) {
      const next = waiting.shift();
      if (problem) throw problem;
      if (next) yield next;
      else if (ended) break;
      else {
        await news.promise;
        news = Promise.withResolvers<void>();
      }
    }
  } finally {
    body.destroy();
  }
  if (count === 0) throw malformed("The form holds no file.");
}

function openForm({ "content-type": type = "", ...headers }: IncomingHttpHeaders): BusboyInstance {
  try {
    return new Busboy({ headers: { ...headers, "content-type": type }, limits: { files: MAX_FILES } });
  } catch (error) {
    throw asProblem(error);
  }
}

async function* contentOf(stream: Readable): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    throw asProblem(error);
  }
}

/** What a column that is made of the file is called: as the form says, else as the file is called without its endings. */
function columnName(field: string, fileName: string | undefined): string {
  if (!PLAIN_NAMES.has(field)) return field;
  const name = (fileName ?? "").replace(/\.gz$/i, "").replace(/\.[A-Za-z0-9]{1,8}$/, "");
  return name === "" ? "x" : name;
}

function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  return malformed(`The form can't be read: ${error instanceof Error ? error.message : String(error)}.`, error);
}

const malformed = (detail: string, cause?: unknown): ProblemError =>
  new ProblemError("malformed-request", detail, { cause });
