/**
 * A number that changes whenever the instruction table does. The kernels carry the one they were built for, so kernels
 * of another version are noticed when they are loaded, not by wrong numbers.
 */
import { kernelInstructions } from "./part-instructions.ts";

export function tableFingerprint(): number {
  // FNV-1a
  let hash = 0x811c9dc5;
  for (const character of JSON.stringify(kernelInstructions)) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return hash | 0;
}
