/**
 * A number that changes whenever the instruction table does. The kernels carry the one they were built for, so kernels
 * of another version are noticed when they are loaded, not by wrong numbers.
 */
import { kernelInstructions } from "./part-instructions.ts";

/** FNV-1a. */
function fingerprintOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash | 0;
}

export const tableFingerprint = fingerprintOf(JSON.stringify(kernelInstructions));
