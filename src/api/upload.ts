/** A request body as a stream of files: decompressed, bounded, and never held in memory as a whole. */
import { Transform } from "node:stream";
import { createGunzip } from "node:zlib";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { mediaTypes } from "../data/formats.ts";
import type { UploadedFile } from "../jobs/dataset-store.ts";
import { freeBuffers } from "./free-buffers.ts";
import { multipartFiles } from "./multipart.ts";
import { ProblemError } from "./problems.ts";
import type { Room } from "./quotas.ts";

/** So much of an upload may be in memory although it has been handed on. */
const FREE_EVERY_BYTES = 4 * 2 ** 20;

const FORM = "multipart/form-data";
export const uploadTypes: readonly string[] = [...mediaTypes, FORM];

/** Hands bodies on as they come, instead of collecting them. */
export function acceptUploads(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser([...uploadTypes], (_request, payload, done) => done(null, payload));
}

/** The files of a request. Throws ProblemError, as do the files while they are read. */
export async function* openUpload(request: FastifyRequest, room: Room): AsyncGenerator<UploadedFile> {
  const raw = request.raw;
  const contentType = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  if (contentType === undefined || !uploadTypes.includes(contentType))
    throw new ProblemError(
      "unsupported-media-type",
      `A dataset is sent with "content-type: ${uploadTypes.join('" or "')}", and this request says ${contentType === undefined ? "nothing" : `"${contentType}"`}.`,
    );
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity" && encoding !== "gzip")
    throw new ProblemError(
      "unsupported-media-type",
      `The content encoding ${JSON.stringify(encoding)} is unknown here; send the body plain or as gzip.`,
    );
  if (Number(request.headers["content-length"] ?? 0) > room.bytes) throw room.beyond;

  const content = bounded(room);
  // It can fail before anyone reads it; whoever then reads it gets this error, and until then nobody must fall over it.
  content.on("error", () => {});
  // A pipe does not hand errors on: a client that goes away must end the upload, not leave it waiting.
  raw.on("error", (error) => content.destroy(error));
  raw.on("close", () => {
    if (!raw.complete) content.destroy(new ProblemError("malformed-request", "The upload ended before its last byte."));
  });
  if (encoding === "identity") raw.pipe(content);
  else {
    const unzip = createGunzip();
    unzip.on("error", (cause) => content.destroy(notGzip(cause)));
    raw.pipe(unzip).pipe(content);
  }
  if (contentType === FORM) yield* multipartFiles(request.headers, content);
  else yield { name: "x", fileName: "", mediaType: contentType, content };
}

/** Counts after decompression: a small body can't unpack into a full disk. */
function bounded(room: Room): Transform {
  let bytes = 0;
  let freed = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes - freed > FREE_EVERY_BYTES) {
        freed = bytes;
        freeBuffers();
      }
      if (bytes <= room.bytes) return done(null, chunk);
      done(room.beyond);
    },
  });
}

function notGzip(cause: Error): ProblemError {
  return new ProblemError(
    "invalid-dataset",
    `The body says that it is gzip, but can't be unpacked: ${cause.message}.`,
    {
      cause,
    },
  );
}
