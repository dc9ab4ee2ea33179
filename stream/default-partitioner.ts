/**
 * Kafka's default partitioner for records with a key, so that a key lands where the Java client
 * would put it: `Utils.toPositive(Utils.murmur2(key)) % partitions`.
 */
const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;
const ROTATION = 24;

/** MurmurHash2 of key[from … to) as a signed 32-bit number, as Java's `Utils.murmur2`. */
export function murmur2(key: Uint8Array, from = 0, to = key.length): number {
  const length = to - from;
  const whole = from + (length & ~3);
  let hash = SEED ^ length;
  for (let at = from; at < whole; at += 4) {
    let word = byte(key, at) | (byte(key, at + 1) << 8);
    word |= (byte(key, at + 2) << 16) | (byte(key, at + 3) << 24);
    word = Math.imul(word, MULTIPLIER);
    word ^= word >>> ROTATION;
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER);
  }
  const rest = to - whole;
  if (rest === 3) hash ^= byte(key, whole + 2) << 16;
  if (rest >= 2) hash ^= byte(key, whole + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ byte(key, whole), MULTIPLIER);
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}

function byte(key: Uint8Array, at: number): number {
  return key[at] ?? 0;
}

/**
 * The partition of a record whose key is key[from … to); `partitions` is the topic's partition count,
 * at least 1.
 */
export function partitionFor(
  key: Uint8Array,
  partitions: number,
  from = 0,
  to = key.length,
): number {
  return (murmur2(key, from, to) & 0x7fffffff) % partitions;
}
