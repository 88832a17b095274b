/** What the service and the process of the embedded broker say to each other. */
import { z } from "zod";

export const Start = z.object({
  type: z.literal("start"),
  snapshot: z.string(),
  port: z.int(),
  password: z.string(),
  snapshotMs: z.number(),
});
export type Start = z.infer<typeof Start>;

export const Answer = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), notices: z.array(z.string()) }),
  z.object({ type: z.literal("failed"), message: z.string() }),
]);
export type Answer = z.infer<typeof Answer>;
