/**
 * A number from 0 to 2^32 - 1 that a seed and a field's name always give: FNV-1a over the UTF-16 code units, then
 * MurmurHash3's final mix, as FNV's low bits alone spread short texts badly.
 */
export function hashOf(seed: string, field: string): number {
  let hash = 0x811c9dc5;
  for (const text of [seed, '\u0000', field]) {
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
      hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
    }
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
