/**
 * GPU buffers that are used again: eager training frees and allocates the same sizes in every step. A buffer given back
 * may be taken at once, since whatever still uses it stands before in the queue.
 */

/** GPUBufferUsage: COPY_SRC, COPY_DST and STORAGE, which Node has no globals for. */
const STORAGE_USAGE = 0x4 | 0x8 | 0x80;
/** MAP_READ and COPY_DST. */
const STAGING_USAGE = 0x1 | 0x8;
/** Unused bytes kept for use again. */
const KEPT_BYTES = 256 * 2 ** 20;
/** Readbacks up to this size share a buffer. */
const STAGING_BYTES = 2 ** 20;

export class BufferPool {
  readonly #device: GPUDevice;
  readonly #unused = new Map<number, GPUBuffer[]>();
  #unusedBytes = 0;
  readonly #retired: GPUBuffer[] = [];
  #staging: GPUBuffer | undefined;
  /** Bytes of all buffers that there are. */
  bytes = 0;
  /** Bytes of the one that was made last. */
  newest = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  take(words: number): GPUBuffer {
    const size = sizeClass(words * 4);
    const reused = this.#unused.get(size)?.pop();
    if (reused) {
      this.#unusedBytes -= size;
      return reused;
    }
    this.bytes += size;
    this.newest = size;
    return this.#device.createBuffer({ size, usage: STORAGE_USAGE });
  }

  giveBack(buffer: GPUBuffer): void {
    if (this.#unusedBytes + buffer.size > KEPT_BYTES) {
      this.bytes -= buffer.size;
      this.#retired.push(buffer);
      return;
    }
    this.#unusedBytes += buffer.size;
    const list = this.#unused.get(buffer.size);
    if (list) list.push(buffer);
    else this.#unused.set(buffer.size, [buffer]);
  }

  /** A buffer to be mapped for reading, of at least so many bytes; one at a time. */
  takeStaging(bytes: number): GPUBuffer {
    if (bytes > STAGING_BYTES) return this.#device.createBuffer({ size: bytes, usage: STAGING_USAGE });
    const staging = this.#staging ?? this.#device.createBuffer({ size: STAGING_BYTES, usage: STAGING_USAGE });
    this.#staging = undefined;
    return staging;
  }

  giveBackStaging(buffer: GPUBuffer): void {
    if (buffer.size === STAGING_BYTES) this.#staging = buffer;
    else buffer.destroy();
  }

  /** To be called when nothing is recorded that has not been submitted: only then may a buffer be destroyed. */
  destroyRetired(): void {
    for (const buffer of this.#retired.splice(0)) buffer.destroy();
  }
}

/** Rounded up to a quarter of a power of two: few sizes, little lost. */
function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 2);
  return Math.ceil(bytes / step) * step;
}
