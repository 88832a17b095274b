/** What can go wrong with a GPU while everything here is right. */

/** There is no GPU here, or what answers as one does not compute. The message says what to install. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
}

/** The GPU is gone, with all that it held: its driver was reset, say. Another device can go on from a checkpoint. */
export class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
}
