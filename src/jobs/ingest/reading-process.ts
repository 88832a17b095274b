/** A process that reads uploads, one after the other; reading-processes.ts starts it. */
import { openObjectStore } from "../open-object-store.ts";
import { answerTo, type ReadAnswer, type ReadMessage } from "./protocol.ts";
import { uploadReader } from "./read-upload.ts";

const tell = (answer: ReadAnswer): void => {
  process.send?.(answer);
};

process.on("message", async ({ store, upload }: ReadMessage) => {
  try {
    const read = uploadReader(await openObjectStore(store));
    tell({ kind: "read", table: await read(upload) });
  } catch (error) {
    tell(answerTo(error, upload));
  }
});
// It has no life of its own: also when the service is killed with -9.
process.on("disconnect", () => process.exit(0));
