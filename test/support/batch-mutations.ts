import { COMPRESSION_CODES, type Compression, decompress } from '../../stream/batch/compression.js';
import { readBatchHeader } from '../../stream/batch/decode.js';
import {
  ATTRIBUTES_AT,
  BATCH_LENGTH_AT,
  CRC_AT,
  LENGTH_OVERHEAD,
  RECORDS_AT,
} from '../../stream/batch/layout.js';
import { concat, withCrc } from '../unit/stream/batch/support.js';
import { withLz4Checksum } from './codec-forms.js';
import type { Seed } from './codec-seeds.js';
import { compress } from './compress.js';

const CODECS = Object.keys(COMPRESSION_CODES) as Compression[];
const LIMIT = 64 * 1024 * 1024;
/** Values at which lengths, counts and flags change their meaning. */
const ODD_BYTES = [0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xff];
const ODD_WORDS = [0, 1, -1, 0x7fffffff, -0x80000000, 0x10000, 0x20001];

/** Numbers below a bound, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

type Random = ReturnType<typeof randomFrom>;

/** The seed with one bit turned, and its CRC-32C repaired where that is not what was turned. */
export function withBitTurned({ bytes }: Seed, bit: number): Uint8Array {
  const at = bit >>> 3;
  const turned = bytes.slice();
  turned[at] = (turned[at] as number) ^ (1 << (bit & 7));
  return at >= CRC_AT && at < ATTRIBUTES_AT ? turned : repaired(turned);
}

/** Someone's work on a batch: some changes anywhere, then its length and CRC-32C repaired. */
export function mutated(seed: Seed, random: Random): Uint8Array {
  const header = seed.bytes.slice(0, RECORDS_AT);
  let section = seed.bytes.slice(RECORDS_AT);
  const kind = random(10);
  if (kind < 3) section = withRecordsMutated(seed, section, random);
  else if (kind < 8) section = changes(section, random);
  if (kind >= 7) changeHeader(header, random);
  // The checksum of an lz4 frame's descriptor, which hides whatever is wrong with it.
  const isLz4 = ((header[ATTRIBUTES_AT + 1] ?? 0) & 7) === COMPRESSION_CODES.lz4;
  if (isLz4 && random(2) === 0) section = Uint8Array.from(withLz4Checksum(section));
  const bytes = concat(header, section);
  const lengthAt = (batch: Uint8Array) =>
    new DataView(batch.buffer, batch.byteOffset).getInt32(BATCH_LENGTH_AT);
  if (lengthAt(header) === lengthAt(seed.bytes)) {
    new DataView(bytes.buffer).setInt32(BATCH_LENGTH_AT, bytes.length - LENGTH_OVERHEAD);
  }
  return repaired(bytes);
}

/** The records changed before they are compressed again, so that decoders get through to them. */
function withRecordsMutated(
  seed: Seed,
  section: Uint8Array<ArrayBuffer>,
  random: Random,
): Uint8Array<ArrayBuffer> {
  const codec = readBatchHeader(seed.bytes, 0)?.compression ?? 0;
  if (codec === 0) return changes(section, random);
  let plain: Uint8Array;
  try {
    plain = decompress(codec, section, LIMIT);
  } catch {
    // A seed that nobody reads, such as lz4's linked blocks.
    return changes(section, random);
  }
  return Uint8Array.from(compress(CODECS[codec] as Compression, changes(plain, random)));
}

function changes(bytes: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  let changed = Uint8Array.from(bytes);
  do changed = change(changed, random);
  while (random(3) === 0);
  return changed;
}

function change(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  // Most of what steers a decoder stands at the start or the end.
  const near = random(3) === 0 ? Math.min(bytes.length, 24) : bytes.length;
  const at = random(2) === 0 ? random(near) : bytes.length - 1 - random(near);
  if (bytes.length === 0 || at < 0) return Uint8Array.of(random(256));
  const upTo = at + 1 + random(12);
  switch (random(9)) {
    case 0:
    case 1:
      bytes[at] = (bytes[at] as number) ^ (1 << random(8));
      return bytes;
    case 2:
      bytes[at] = random(256);
      return bytes;
    case 3:
      bytes[at] = ODD_BYTES[random(ODD_BYTES.length)] as number;
      return bytes;
    case 4:
      return concatenated(bytes.subarray(0, at), bytes.subarray(upTo));
    case 5:
      return concatenated(bytes.subarray(0, upTo), bytes.subarray(at));
    case 6:
      return concatenated(bytes.subarray(0, at), noise(random), bytes.subarray(at));
    case 7:
      return bytes.slice(0, at);
    default:
      return concatenated(bytes, random(2) === 0 ? noise(random) : bytes.subarray(at));
  }
}

function concatenated(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(concat(...parts));
}

function noise(random: Random): Uint8Array {
  return Uint8Array.from({ length: 1 + random(6) }, () => random(256));
}

function changeHeader(header: Uint8Array, random: Random): void {
  const at = random(8) === 0 ? random(ATTRIBUTES_AT) : ATTRIBUTES_AT + random(40);
  if (random(2) === 0) {
    header[at] = random(2) === 0 ? random(256) : (header[at] as number) ^ (1 << random(8));
    return;
  }
  const fields = [BATCH_LENGTH_AT, 12, 23, 27, 31, 35, 39, 43, 47, 53, 57, 57, 23];
  const field = fields[random(fields.length)] as number;
  const view = new DataView(header.buffer, header.byteOffset);
  const value = random(2) === 0 ? view.getInt32(field) + random(5) - 2 : null;
  view.setInt32(field, value ?? (ODD_WORDS[random(ODD_WORDS.length)] as number));
}

/** With the CRC-32C of what the header says is the batch. */
function repaired(bytes: Uint8Array): Uint8Array {
  if (bytes.length < RECORDS_AT) return bytes;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(BATCH_LENGTH_AT);
  const end = Math.min(bytes.length, length + LENGTH_OVERHEAD);
  withCrc(end < RECORDS_AT ? bytes : bytes.subarray(0, end));
  return bytes;
}
